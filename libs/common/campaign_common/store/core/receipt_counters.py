"""receipt_counters: the number of receipts of a campaign by state and rank.

A row changes in the transaction that changes the receipts it counts. Counted are ranks above
`NONE`, and receipts that did not come in time, of any rank. The other messages without a receipt
are the sent ones less those counted here as receipts of sent messages.
"""

from collections import Counter
from collections.abc import Mapping

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState, StoredReceipt

ReceiptKey = tuple[CampaignId, int, ReceiptState, ReceiptRank]
"""Campaign, shard, state and rank."""

VALUES = "(%d,%d,%d,%d,%d)"

ADD = (
    "INSERT INTO receipt_counters (campaign_id, shard, state, receipt_rank, n) VALUES %s"
    " ON DUPLICATE KEY UPDATE n = n + VALUES(n)"
)

SELECT = """
SELECT state, receipt_rank, CAST(SUM(n) AS SIGNED) FROM receipt_counters
WHERE campaign_id = %s GROUP BY state, receipt_rank
"""


def count_change(
    changes: Counter[ReceiptKey],
    campaign_id: CampaignId,
    shard: int,
    before: StoredReceipt | None,
    after: StoredReceipt | None,
) -> None:
    """Add to `changes` what replacing one receipt by another one does to the counters."""
    if before is not None and before.is_counted:
        changes[campaign_id, shard, before.state, before.rank] -= 1
    if after is not None and after.is_counted:
        changes[campaign_id, shard, after.state, after.rank] += 1


def add_receipt_counts(cursor: Cursor, changes: Mapping[ReceiptKey, int]) -> None:
    """Add to the counters, in the order of their keys, which every transaction keeps to."""
    rows = [(*key, n) for key, n in sorted(changes.items()) if n]
    if rows:
        cursor.execute(ADD % ",".join(VALUES % row for row in rows))


def read_receipt_counts(
    cursors: Cursors, campaign_id: CampaignId
) -> dict[tuple[ReceiptState, ReceiptRank], int]:
    """Sum the receipts of a campaign over its shards, by state and rank."""
    summed: dict[tuple[ReceiptState, ReceiptRank], int] = {}
    for cursor in cursors.all:
        cursor.execute(SELECT, (campaign_id,))
        for state, rank, n in cursor.fetchall():
            key = ReceiptState(state), ReceiptRank(rank)
            summed[key] = summed.get(key, 0) + int(n)
    return summed
