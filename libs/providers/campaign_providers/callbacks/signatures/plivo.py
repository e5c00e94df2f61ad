"""Requests that Plivo signs, version 3.

https://www.plivo.com/docs/messaging/concepts/signature-validation, and utils/signature_v3.py of
plivo 4.63.0. `X-Plivo-Signature-V3` has signatures, separated by commas: the base64 of the
HMAC-SHA-256 of the URL, a dot and the nonce. In the URL the query is sorted; behind it stand a dot
and the sorted form fields, name and value.
"""

import base64
import hmac
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

MOST_SIGNATURES = 8

Pairs = list[tuple[str, str]]
"""Names and values of a form."""


class PlivoVerifier(Verifier):
    """Verifier by the account's auth tokens."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Take auth tokens.

        Raises:
            ValueError: there is none, or one is empty.
        """
        self._secrets = secret_bytes(secrets)

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed; a body that is no form is never signed."""
        del purpose
        given = request.header("x-plivo-signature-v3")
        nonce = request.header("x-plivo-signature-v3-nonce")
        if not given or not nonce:
            return RefusalReason.UNSIGNED
        signed = _signed(request)
        if signed is None:
            return RefusalReason.FORGED
        message = f"{signed}.{nonce}".encode("utf-8", "surrogatepass")
        expected = [
            base64.b64encode(hmac.digest(secret, message, "sha256")) for secret in self._secrets
        ]
        signatures = given.split(",", MOST_SIGNATURES)[:MOST_SIGNATURES]
        found = [equals_any(each, expected) for each in signatures]
        return None if any(found) else RefusalReason.FORGED


def _signed(request: CallbackRequest) -> str | None:
    """Return URL, query and form as they are signed; None where they can not have been."""
    if not (request.body.isascii() and is_form(request.body)):
        return None
    address, _, query = request.url.partition("#")[0].partition("?")
    try:
        asked = _sorted_pairs(query)
        given = _sorted_pairs(request.body.decode("ascii"))
    except ValueError:
        return None
    if request.method == "GET" and request.body:
        return None
    sorted_query = "&".join(f"{name}={value}" for name, value in asked)
    mark = "?" if asked or given else ""
    dot = "." if asked and given else ""
    return address + mark + sorted_query + dot + "".join(name + value for name, value in given)


def _sorted_pairs(form: str) -> Pairs:
    """Return the pairs of a form in the order of names, and of the values of a name."""
    return sorted(parse_qsl(form, keep_blank_values=True, max_num_fields=MOST_FIELDS))
