"""Receipts of messages that their owner turns back to a new generation.

Part of the owner's transaction, which locks the receipts until it ends. A writer that has read the
ledger as it was before finds the new generation in the row.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState, StoredReceipt
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


class Undelivered(NamedTuple):
    """Receipts of sent messages that were not delivered."""

    receipts: dict[int, StoredReceipt]
    """By seq; their rows are locked."""
    reached: int
    """The last seq that was looked at; more may follow in the range."""


SELECT_UNDELIVERED = """
SELECT seq FROM receipts_{shard:d} WHERE campaign_id = %s AND seq BETWEEN %s AND %s
  AND state = %s AND receipt_rank = %s AND (%s IS NULL OR code = %s) ORDER BY seq LIMIT %s
"""


def lock_undelivered(
    cursor: Cursor,
    shard: int,
    campaign_id: CampaignId,
    seqs: range,
    code: str | None,
    limit: int,
) -> Undelivered:
    """Lock the receipts of sent messages that were not delivered, up to `limit` of a range.

    They are read again under the lock: another report may have come in between.
    """
    bounds = seqs.start, seqs.stop - 1
    wanted = ReceiptState.SENT, ReceiptRank.UNDELIVERED
    cursor.execute(
        SELECT_UNDELIVERED.format(shard=shard),
        (campaign_id, *bounds, *map(int, wanted), code, code, limit),
    )
    places = [ReceiptPlace(shard, campaign_id, seq) for (seq,) in cursor.fetchall()]
    locked = lock_receipts(cursor, places, {})
    found = {
        place.seq: receipt
        for place, receipt in locked.items()
        if (receipt.state, receipt.rank) == wanted and code in (None, receipt.code)
    }
    return Undelivered(found, places[-1].seq if len(places) == limit else bounds[1])


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
