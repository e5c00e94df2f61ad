"""Requests that carry a signed JSON Web Token (RFC 7519) with hashes of what it belongs to."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.verifier import Verifier, equals_any, secret_bytes

LONGEST_TOKEN = 4_096
LEEWAY = 60.0
"""Seconds that the clocks of gateway and receiver may differ."""

_BEARER = re.compile(r"bearer +", re.IGNORECASE | re.ASCII)


class VonageVerifier(Verifier):
    """Verifier of signed webhooks of Vonage by the account's signature secrets.

    https://developer.vonage.com/en/getting-started/concepts/webhooks#signed-webhooks: an HS256
    token in `Authorization`, with the SHA-256 of the body as `payload_hash`. The hash is demanded,
    so that GET is refused: nothing of its token says which query it belongs to. A token does not
    expire, since it is not documented whether a repeated webhook has a new one.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        """Take signature secrets.

        Raises:
            ValueError: there is none, or one is empty.
        """
        self._secrets = secret_bytes(secrets)

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed."""
        del purpose
        header = request.header("authorization")
        scheme = _BEARER.match(header)
        if scheme is None:
            return RefusalReason.UNSIGNED
        claims = _claims(header[scheme.end() :], self._secrets, ["HS256"], {"leeway": LEEWAY})
        if isinstance(claims, RefusalReason):
            return claims
        is_ours = _hashes(claims.get("payload_hash"), request.body)
        return None if is_ours and request.body else RefusalReason.FORGED


class MessageBirdVerifier(Verifier):
    """Verifier of requests of MessageBird by the account's signing keys.

    https://developers.messagebird.com/docs/verify-http-requests, and request_validator.py of
    messagebird 2.2.0: a token in `MessageBird-Signature-JWT` by MessageBird that expires, with the
    SHA-256 of the URL as `url_hash`, and of a body as `payload_hash`.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        """Take signing keys.

        Raises:
            ValueError: there is none, or one is empty.
        """
        self._secrets = secret_bytes(secrets)

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed."""
        del purpose
        token = request.header("messagebird-signature-jwt")
        if not token:
            return RefusalReason.UNSIGNED
        demands = {
            "issuer": "MessageBird",
            "leeway": 1,
            "options": {"require": ["iss", "nbf", "exp"], "verify_iat": False},
        }
        claims = _claims(token, self._secrets, ["HS256", "HS384", "HS512"], demands)
        if isinstance(claims, RefusalReason):
            return claims
        payload_hash = claims.get("payload_hash")
        is_body = _hashes(payload_hash, request.body) if request.body else not payload_hash
        is_url = _hashes(claims.get("url_hash"), request.url_bytes)
        return None if is_body and is_url else RefusalReason.FORGED


def _claims(
    token: str, secrets: Sequence[bytes], algorithms: Sequence[str], demands: Mapping[str, Any]
) -> Mapping[str, Any] | RefusalReason:
    """Return the claims of a token that is signed with a secret and valid now."""
    if len(token) > LONGEST_TOKEN:
        return RefusalReason.FORGED
    reason = RefusalReason.FORGED
    for secret in secrets:
        try:
            return jwt.decode(token, secret, algorithms=list(algorithms), **demands)
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
            reason = RefusalReason.STALE
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            # A header of deep JSON or odd bytes; PyJWT reads it before it looks at the signature.
            continue
    return reason


def _hashes(given: object, data: bytes) -> bool:
    expected = hashlib.sha256(data).hexdigest().encode("ascii")
    return isinstance(given, str) and equals_any(given, [expected])
