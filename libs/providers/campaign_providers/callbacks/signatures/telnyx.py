"""Requests that Telnyx signs: Ed25519 over time, a bar and the raw body.

https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks, and
resources/webhooks.py of telnyx 4.189.0, which takes requests of the last and next five minutes.
"""

import base64
import binascii
import re
import time
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.verifier import Verifier

TOLERANCE = 300.0
"""Seconds between the signed time and ours."""

_TIME = re.compile(r"\d{1,12}", re.ASCII)


class TelnyxVerifier(Verifier):
    """Verifier by the account's public keys."""

    def __init__(
        self,
        public_keys: Sequence[str],
        *,
        tolerance: float = TOLERANCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take public keys in base64, seconds of tolerance, and a clock in Unix time.

        Raises:
            ValueError: there is no key, or one is none.
        """
        if not public_keys:
            raise ValueError("expected at least one public key")
        self._keys = [_public_key(key) for key in public_keys]
        self._tolerance = tolerance
        self._clock = clock

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed."""
        del purpose
        signature = request.header("telnyx-signature-ed25519")
        signed_at = request.header("telnyx-timestamp")
        if not signature or not signed_at:
            return RefusalReason.UNSIGNED
        if not _TIME.fullmatch(signed_at):
            return RefusalReason.FORGED
        signed = signed_at.encode("ascii") + b"|" + request.body
        found = [_is_signed(key, signature, signed) for key in self._keys]
        if not any(found):
            return RefusalReason.FORGED
        is_recent = abs(self._clock() - int(signed_at)) <= self._tolerance
        return None if is_recent else RefusalReason.STALE


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise ValueError("expected public keys of 32 bytes in base64") from error


def _is_signed(key: Ed25519PublicKey, signature: str, signed: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
