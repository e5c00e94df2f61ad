"""Receipts of messages that their owner turns back to a new generation.

Part of the owner's transaction, which locks the receipts until it ends. A writer that has read the
ledger as it was before finds the new generation in the row.
"""

from collections import Counter
from collections.abc import Mapping

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.stored_receipt import StoredReceipt
from campaign_common.store.core.receipt_counters import (
    ReceiptKey,
    add_receipt_counts,
    count_change,
)
from campaign_common.store.receipts.receipt_rows import (
    ReceiptPlace,
    Receipts,
    lock_receipts,
    write_receipts,
)


def take_receipts_out(
    cursor: Cursor, shard: int, campaign_id: CampaignId, generations: Mapping[int, int]
) -> None:
    """Take the receipts of messages, {seq: new generation}, out of rows and counters.

    The rows stay, of the new generation and without a rank: a writer that has not seen them can not
    insert them again.
    """
    places = {ReceiptPlace(shard, campaign_id, seq): new for seq, new in generations.items()}
    before = lock_receipts(cursor, places, {})
    after: Receipts = {}
    changes: Counter[ReceiptKey] = Counter()
    for place, receipt in before.items():
        generation = places[place]
        if receipt.generation < generation:
            after[place] = StoredReceipt.none(generation)
            count_change(changes, campaign_id, shard, receipt, after[place])
    write_receipts(cursor, before, after, {})
    add_receipt_counts(cursor, changes)
