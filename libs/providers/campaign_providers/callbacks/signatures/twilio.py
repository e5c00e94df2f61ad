"""Requests that Twilio signs.

https://www.twilio.com/docs/usage/webhooks/webhooks-security, and request_validator.py of twilio
9.13.0. `X-Twilio-Signature` is the base64 of an HMAC of the URL and the sorted form fields, name
and value, each pair once. The hash is SHA-1 under the auth token, or the one that
`X-Twilio-Webhooks-Signature-Settings` names, under a shared key. Of a body that is no form the
query has the hash in `bodySHA256`, and the URL alone is signed.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from campaign_providers.callbacks.facts import (
    MOST_FIELDS,
    CallbackPurpose,
    CallbackRequest,
    RefusalReason,
    is_form,
)
from campaign_providers.callbacks.signatures.verifier import Verifier, equals_any, secret_bytes

_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_PORTS = {"http": "80", "https": "443"}
_AUTHORITY = re.compile(r"(https?)://([^/?#]*?)(?::(\d+))?(?=[/?#]|\Z)", re.ASCII)


class TwilioVerifier(Verifier):
    """Verifier by the account's auth tokens and shared keys."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Take auth tokens and the secrets of shared keys.

        Raises:
            ValueError: there is none, or one is empty.
        """
        self._secrets = secret_bytes(secrets)

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed; the URL counts with and without its port."""
        del purpose
        given = request.header("x-twilio-signature")
        if not given:
            return RefusalReason.UNSIGNED
        algorithm = _algorithm(request.header("x-twilio-webhooks-signature-settings"))
        fields = _signed_fields(request)
        if algorithm is None or fields is None:
            return RefusalReason.FORGED
        expected = [
            base64.b64encode(
                hmac.digest(secret, url.encode("utf-8", "surrogatepass") + fields, algorithm)
            )
            for secret in self._secrets
            for url in _urls(request.url)
        ]
        return None if equals_any(given, expected) else RefusalReason.FORGED


def _algorithm(settings: str) -> str | None:
    """Return the hash that the settings' header names; without it SHA-1."""
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return _ALGORITHMS.get(value.strip().upper())
    return "sha1"


def _signed_fields(request: CallbackRequest) -> bytes | None:
    """Return what is signed behind the URL; None where the body can not be what was signed."""
    if not request.body:
        return b""
    if "application/x-www-form-urlencoded" in request.header("content-type").lower():
        return _joined(request.body)
    given = dict(_pairs(request.query) or ()).get("bodySHA256", "")
    expected = hashlib.sha256(request.body).hexdigest().encode("ascii")
    return b"" if equals_any(given, [expected]) else None


def _joined(body: bytes) -> bytes | None:
    pairs = _pairs(body.decode("ascii")) if body.isascii() and is_form(body) else None
    if pairs is None:
        return None
    return "".join(name + value for name, value in sorted(set(pairs))).encode("latin-1")


def _pairs(text: str) -> list[tuple[str, str]] | None:
    """Return the pairs of a form whose characters stand for bytes; None where they are too many."""
    try:
        return parse_qsl(
            text, keep_blank_values=True, encoding="latin-1", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        return None


def _urls(url: str) -> set[str]:
    """Return a URL as it is, with its port and without: Twilio signs either."""
    found = _AUTHORITY.match(url)
    if found is None:
        return {url}
    scheme, host, port = found.groups()
    rest = url[found.end() :]
    return {f"{scheme}://{host}{rest}", f"{scheme}://{host}:{port or _PORTS[scheme]}{rest}"}
