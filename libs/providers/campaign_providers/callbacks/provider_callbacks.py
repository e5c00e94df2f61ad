"""Callbacks of one provider: verified, then read by its mapping."""

from collections.abc import Sequence

from campaign_common.domain.receipts.callback_url import REFERENCE_PARAMETER
from campaign_common.errors import SettingsError
from campaign_providers.callbacks.facts import (
    Accepted,
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    InboundText,
    Receipt,
    RefusalReason,
    Refused,
    Unreadable,
)
from campaign_providers.callbacks.mappings.bodies import DocumentSource
from campaign_providers.callbacks.mappings.documents import MappingDocument
from campaign_providers.callbacks.mappings.reader import (
    InboundReader,
    ReadingCounts,
    ReceiptReader,
)
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.callbacks.signatures.reference import ReferenceVerifier
from campaign_providers.callbacks.signatures.verifier import Verifier

Readers = Sequence[ReceiptReader | InboundReader]
"""The readers of a request, the one of the endpoint first."""


class ProviderCallbacks:
    """The callbacks of a provider."""

    def __init__(
        self, mapping: MappingDocument, verifier: Verifier, references: ReferenceSigner
    ) -> None:
        """Compile the mapping.

        Raises:
            SettingsError: a place of the mapping is none, or the reference in the URL is the only
                proof and receipts do not take theirs from it.
        """
        self._verifier = verifier
        receipts = None
        if mapping.receipts is not None:
            receipts = ReceiptReader(mapping.receipts, references)
        inbound = None if mapping.inbound is None else InboundReader(mapping.inbound)
        by_reference = isinstance(verifier, ReferenceVerifier)
        if by_reference and receipts and receipts.first_parameter != REFERENCE_PARAMETER:
            raise SettingsError(
                "mapping of callbacks: a reference that is the only proof has to be that of the"
                f" receipt; expected ?{REFERENCE_PARAMETER} as the first place of Reference"
            )
        if by_reference and mapping.same_webhook:
            raise SettingsError("mapping of callbacks: SameWebhook needs a signature")
        both = mapping.same_webhook
        self._readers: dict[CallbackPurpose, Readers] = {
            CallbackPurpose.RECEIPTS: _present(receipts, inbound if both else None),
            CallbackPurpose.INBOUND: _present(inbound, receipts if both else None),
        }

    def accept(self, request: CallbackRequest, purpose: CallbackPurpose) -> Accepted | Refused:
        """Return the facts of a request, or why it is not believed.

        Nothing raises for what the request contains. The caller bounds the size of its body.
        """
        handshake = self._verifier.handshake(request)
        if isinstance(handshake, CallbackReply):
            return Accepted(reply=handshake)
        reason = handshake or self._verifier.verify(request, purpose)
        if reason is not None:
            return self._refused(reason)
        return _facts(request, self._readers[purpose])

    def _refused(self, reason: RefusalReason) -> Refused:
        return Refused(reason, self._verifier.asks_for_password)


def _present(*readers: ReceiptReader | InboundReader | None) -> Readers:
    return [reader for reader in readers if reader is not None]


def _facts(request: CallbackRequest, readers: Readers) -> Accepted:
    """Return what the readers find; where there is none, everything is counted as unknown."""
    counts = ReadingCounts()
    parameters = request.parameters()
    documents: dict[DocumentSource, object] = {}
    receipts: list[Receipt] = []
    inbound: list[InboundText] = []
    for reader in readers:
        if reader.source not in documents:
            documents[reader.source] = reader.source.decode(request)
            counts.unknown[Unreadable.BODY] += documents[reader.source] is None
        document = documents[reader.source]
        if document is None:
            continue
        if isinstance(reader, ReceiptReader):
            receipts += reader.read(document, parameters, counts)
        else:
            inbound += reader.read(document, parameters, counts)
    reply = readers[0].reply if readers else CallbackReply()
    return Accepted(tuple(receipts), tuple(inbound), reply, dict(counts.finished()))
