"""Requests of gateways that sign nothing: our own reference in the URL proves that we gave it out.

It names one message and nothing else, so who learns of it can report about that message alone. The
URL for inbound messages has a reference of its own purpose.
"""

from campaign_common.domain.receipts.callback_url import REFERENCE_PARAMETER
from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.references import (
    OF_RECEIPTS,
    ReferencePurpose,
    ReferenceSigner,
)
from campaign_providers.callbacks.signatures.verifier import Verifier

_PURPOSES = {
    CallbackPurpose.RECEIPTS: OF_RECEIPTS,
    CallbackPurpose.INBOUND: frozenset({ReferencePurpose.INBOUND}),
}


class ReferenceVerifier(Verifier):
    """Verifier of the reference in the URL."""

    def __init__(self, references: ReferenceSigner) -> None:
        self._references = references

    def verify(self, request: CallbackRequest, purpose: CallbackPurpose) -> RefusalReason | None:
        """Return why the request is not believed."""
        given = request.parameters().get(REFERENCE_PARAMETER, "")
        if not given:
            return RefusalReason.UNSIGNED
        found = self._references.read_any(given, _PURPOSES[purpose])
        return None if found is not None else RefusalReason.FORGED
