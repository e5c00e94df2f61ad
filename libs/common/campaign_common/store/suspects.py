"""suspects and late_results: calls in doubt, and facts that came too late."""

from collections.abc import Iterable, Sequence

from pymysql.cursors import Cursor

from campaign_common.claim import ClaimedMessage
from campaign_common.store.ledger import LedgerRow

# The driver sends many rows in one statement only where every value is a plain %s: the time
# is the column's default.
INSERT_SUSPECT = """
INSERT IGNORE INTO suspects (campaign_id, seq, generation, try_number, shard)
VALUES (%s, %s, %s, %s, %s)
"""

INSERT_LATE_RESULT = """
INSERT INTO late_results (shard, campaign_id, seq, generation, try_number, status,
                          provider_message_id, error_code)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""

SELECT_SUSPECTS = "SELECT seq FROM suspects WHERE campaign_id = %s AND seq IN %s"

COUNT_SUSPECTS = "SELECT COUNT(*) FROM suspects WHERE campaign_id = %s"


def note_suspects(cursor: Cursor, shard: int, claimed: Iterable[ClaimedMessage]) -> None:
    """Note messages that a lost sender may have handed to a provider (protocol rule 3)."""
    rows = [(*message, shard) for message in claimed]
    if rows:
        cursor.executemany(INSERT_SUSPECT, rows)


def note_late_results(cursor: Cursor, late: Iterable[tuple[int, LedgerRow]]) -> None:
    """Append outcomes, each with its shard, that a fenced sender learnt but may not record.

    They are facts, kept for the shard's owner (protocol rule 14).
    """
    values = [
        (
            shard,
            row.campaign_id,
            row.seq,
            row.generation,
            row.try_number,
            int(row.status),
            row.provider_message_id,
            row.error_code,
        )
        for shard, row in late
    ]
    if values:
        cursor.executemany(INSERT_LATE_RESULT, values)


def read_suspects(cursor: Cursor, campaign_id: int, seqs: Sequence[int]) -> set[int]:
    """Return those of `seqs` that a lost sender may have handed to a provider."""
    if not seqs:
        return set()
    cursor.execute(SELECT_SUSPECTS, (campaign_id, tuple(seqs)))
    return {seq for (seq,) in cursor.fetchall()}


def count_suspects(cursor: Cursor, campaign_id: int) -> int:
    """Count the calls of a campaign that were ever in doubt."""
    cursor.execute(COUNT_SUSPECTS, (campaign_id,))
    (n,) = cursor.fetchone()  # type: ignore[misc]
    return int(n)
