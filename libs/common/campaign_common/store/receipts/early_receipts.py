"""early_receipts: reports by a provider's id that no message has yet, on the main server.

A fast gateway reports before the sender has recorded what the gateway answered. Such a report is
looked up again for some time.
"""

from collections.abc import Collection, Sequence

from pymysql.cursors import Cursor

from campaign_common.domain.receipts.identified_receipt import IdentifiedReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank

LOOKED_FOR = 15
"""Minutes for which a message is looked for: more than a sender records behind in an outage."""

INSERT = """
INSERT IGNORE INTO early_receipts
  (id_hash, receipt_rank, provider, code, reported_at, since, look_at)
VALUES (%s, %s, %s, %s, %s, NOW(6), NOW(6) + INTERVAL 1 SECOND)
"""

SELECT_DUE = """
SELECT provider, id_hash, receipt_rank, code, reported_at FROM early_receipts
WHERE look_at <= NOW(6) ORDER BY look_at LIMIT %s
"""

# After twice the time that it has been there, and within a minute.
LOOK_LATER = """
UPDATE early_receipts
SET look_at = NOW(6) + INTERVAL
  LEAST(GREATEST(TIMESTAMPDIFF(SECOND, since, NOW(6)), 1), 60) SECOND
WHERE id_hash IN %s AND look_at <= NOW(6)
"""

DELETE = "DELETE FROM early_receipts WHERE id_hash IN %s AND receipt_rank <= %s"

DELETE_OLD = """
DELETE FROM early_receipts WHERE since < NOW(6) - INTERVAL %s MINUTE LIMIT %s
"""


def keep_early(cursor: Cursor, receipts: Collection[IdentifiedReceipt]) -> None:
    """Keep reports whose messages are not found."""
    rows = [
        (one.id_hash, int(one.rank), one.provider, one.code, one.at and one.at.replace(tzinfo=None))
        for one in sorted(receipts, key=lambda one: (one.id_hash, one.rank))
    ]
    if rows:
        cursor.executemany(INSERT, rows)


def due_early(cursor: Cursor, limit: int) -> list[IdentifiedReceipt]:
    """Read the reports that are to be looked up again."""
    cursor.execute(SELECT_DUE, (limit,))
    return [
        IdentifiedReceipt(provider, bytes(id_hash), ReceiptRank(rank), code, at)
        for provider, id_hash, rank, code, at in cursor.fetchall()
    ]


def look_later(cursor: Cursor, hashes: Sequence[bytes]) -> None:
    """Have reports looked up again later."""
    if hashes:
        cursor.execute(LOOK_LATER, (tuple(hashes),))


def forget_early(cursor: Cursor, receipts: Collection[IdentifiedReceipt]) -> None:
    """Delete reports that were written."""
    by_rank: dict[ReceiptRank, list[bytes]] = {}
    for one in receipts:
        by_rank.setdefault(one.rank, []).append(one.id_hash)
    for rank, hashes in sorted(by_rank.items()):
        cursor.execute(DELETE, (tuple(sorted(hashes)), int(rank)))


def delete_old_early(cursor: Cursor, limit: int) -> int:
    """Delete some of the reports that no message has had; return how many went."""
    return cursor.execute(DELETE_OLD, (LOOKED_FOR, limit))
