"""Metrics of what callbacks have brought and is committed."""

from collections import Counter
from collections.abc import Callable, Sequence

from campaign_api.metrics import CallbackMetrics
from campaign_api.serving.callbacks.commit_batches import Write
from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.store.inbound.inbound_messages import StoredInbound
from campaign_common.store.receipts.receipt_writer import WrittenReceipts


def counted(
    write: Callable[[Sequence[MessageReceipt]], WrittenReceipts], metrics: CallbackMetrics
) -> Write[MessageReceipt]:
    """Return `write`, which counts what is committed."""

    def write_and_count(receipts: Sequence[MessageReceipt]) -> None:
        written = write(receipts)
        results = {"stored": written.stored, "repeated": written.repeated, **written.unmatched}
        for result, number in results.items():
            metrics.written(result, number)

    return write_and_count


def counted_inbound(
    write: Callable[[Sequence[InboundMessage]], Sequence[StoredInbound]], metrics: CallbackMetrics
) -> Write[InboundMessage]:
    """Return `write`, which counts the messages that it has stored, and those that were there."""

    def write_and_count(messages: Sequence[InboundMessage]) -> None:
        stored = Counter((each.message.provider, _word(each.message)) for each in write(messages))
        repeated = Counter(message.provider for message in messages)
        for (provider, word), number in stored.items():
            metrics.stored_inbound(provider, word, number)
            repeated[provider] -= number
        for provider, number in repeated.items():
            metrics.repeated_inbound(provider, number)

    return write_and_count


def _word(message: InboundMessage) -> str:
    """Return the word by which a message is counted."""
    if message.is_unsure:
        return "unsure"
    return "none" if message.keyword is None else message.keyword.value
