"""Metrics of written receipts."""

from collections.abc import Callable, Sequence

from campaign_api.metrics import CallbackMetrics
from campaign_api.serving.callbacks.receipt_batches import Write
from campaign_common.domain.receipts.message_receipt import MessageReceipt
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
