"""Requests with an HMAC of the raw body in a header, as many gateways have it."""

import base64
import hmac
from collections.abc import Sequence
from typing import Literal

from campaign_providers.callbacks.facts import (
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    RefusalReason,
)
from campaign_providers.callbacks.signatures.verifier import Verifier, equals_any, secret_bytes

LONGEST_CHALLENGE = 256

HmacAlgorithm = Literal["sha1", "sha256", "sha384", "sha512"]


class HmacVerifier(Verifier):
    """Verifier of the HMAC of the body in one header."""

    def __init__(
        self,
        header: str,
        secrets: Sequence[str],
        *,
        algorithm: HmacAlgorithm = "sha256",
        encoding: Literal["hex", "base64"] = "hex",
        prefix: str = "",
    ) -> None:
        """Take the header's name, the secrets, and the form of the signature behind `prefix`.

        Raises:
            ValueError: there is no secret, or one is empty.
        """
        self._header = header.lower()
        self._secrets = secret_bytes(secrets)
        self._algorithm = algorithm
        self._is_hex = encoding == "hex"
        self._prefix = prefix

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed."""
        del purpose
        given = request.header(self._header).strip()
        if not given:
            return RefusalReason.UNSIGNED
        if not given.startswith(self._prefix):
            return RefusalReason.FORGED
        given = given.removeprefix(self._prefix)
        expected = [self._signature(secret, request.body) for secret in self._secrets]
        is_signed = equals_any(given.lower() if self._is_hex else given, expected)
        return None if is_signed else RefusalReason.FORGED

    def _signature(self, secret: bytes, body: bytes) -> bytes:
        digest = hmac.digest(secret, body, self._algorithm)
        return digest.hex().encode("ascii") if self._is_hex else base64.b64encode(digest)


class MetaVerifier(HmacVerifier):
    """Verifier of Meta's webhooks by the app's secret, and of the request that sets them up.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started: `X-Hub-Signature-256`
    is `sha256=` and the HMAC of the body as it was sent; a GET with the verify token expects the
    challenge back.
    """

    def __init__(self, secrets: Sequence[str], verify_tokens: Sequence[str]) -> None:
        """Take the app's secrets, and the tokens that were entered beside the webhook's URL.

        Raises:
            ValueError: either is missing, or one is empty.
        """
        super().__init__("x-hub-signature-256", secrets, prefix="sha256=")
        self._verify_tokens = secret_bytes(verify_tokens)

    def handshake(self, request: CallbackRequest) -> CallbackReply | RefusalReason | None:
        """Return the challenge of a GET whose verify token is ours."""
        if request.method != "GET":
            return None
        given = request.parameters()
        challenge = given.get("hub.challenge", "")
        if given.get("hub.mode") != "subscribe" or not challenge:
            return RefusalReason.UNSIGNED
        is_ours = equals_any(given.get("hub.verify_token", ""), self._verify_tokens)
        is_plain = len(challenge) <= LONGEST_CHALLENGE and challenge.isascii()
        if not (is_ours and is_plain and challenge.isprintable()):
            return RefusalReason.FORGED
        return CallbackReply(challenge.encode("ascii"))
