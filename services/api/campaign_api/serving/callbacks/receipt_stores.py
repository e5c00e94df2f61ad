"""Ways in which the receipts of callbacks are written."""

from collections.abc import Collection
from typing import NamedTuple

from campaign_api.metrics import CallbackMetrics
from campaign_api.serving.callbacks.counted_writes import counted
from campaign_api.serving.callbacks.message_receipts import SideReceipt
from campaign_api.serving.callbacks.receipt_batches import ReceiptBatches
from campaign_api.serving.callbacks.side_receipts import SideReceiptWriter
from campaign_common.database import Databases
from campaign_common.database.by_server import ByServer
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.settings import Settings
from campaign_common.store.receipts.provider_ids import days_kept
from campaign_common.store.receipts.receipt_writer import ReceiptWriter
from campaign_providers.callbacks.reporting_providers import providers_found_by_id


class ReceiptStores(NamedTuple):
    """Ways in which receipts are written."""

    of_messages: ReceiptBatches[MessageReceipt]
    beside: ReceiptBatches[SideReceipt]
    """Those of test messages, and those that name their message by the provider's id."""
    found_by_id: Collection[str] = ()
    """Providers whose receipts carry no reference."""


def receipt_stores(
    settings: Settings, databases: Databases, metrics: CallbackMetrics
) -> ReceiptStores:
    """Make the ways in which receipts are written, and counted once they are committed."""
    days = days_kept(settings.receipts.keep_for)
    return ReceiptStores(
        ReceiptBatches(databases, counted(ReceiptWriter(databases).write, metrics)),
        ReceiptBatches(
            ByServer((databases.main,)), SideReceiptWriter(databases, days, metrics).write
        ),
        providers_found_by_id(settings),
    )
