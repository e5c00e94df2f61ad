"""message_retries_N, the sender's side: when a message is due again.

The row is written and deleted by the transaction that records the outcome (protocol rule 9);
publishing a retry only stamps it.
"""

from collections.abc import Sequence
from datetime import timedelta

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import next_try
from campaign_common.store.messages.ledger import LedgerRow

SELECT_NOW = "SELECT NOW(6)"

# The driver sends many rows in one statement only where every value is a plain %s: due times
# are added up here, from the database's clock.
SCHEDULE = (
    "INSERT INTO message_retries_{shard:d}"
    " (campaign_id, seq, due_at, generation, try_number, attempts)"
    " VALUES (%s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE due_at = VALUES(due_at), generation = VALUES(generation),"
    " try_number = VALUES(try_number), attempts = VALUES(attempts), published_at = NULL,"
    " published_epoch = NULL, published_topic_id = NULL, published_partition = NULL,"
    " published_offset = NULL"
)

SELECT_WAITING = (
    "SELECT seq FROM message_retries_{shard:d} WHERE campaign_id = %s ORDER BY seq LIMIT %s"
)

FORGET = "DELETE FROM message_retries_{shard:d} WHERE campaign_id = %s AND seq IN %s"

ScheduledRetry = tuple[LedgerRow, float]
"""A ledger row as written, and the seconds until the message is due again."""


def schedule_retries(cursor: Cursor, shard: int, retries: Sequence[ScheduledRetry]) -> None:
    """Make messages due again, so many seconds from now."""
    if retries:
        cursor.execute(SELECT_NOW)
        ((now,),) = cursor.fetchall()
        cursor.executemany(
            SCHEDULE.format(shard=shard),
            [
                (
                    row.campaign_id,
                    row.seq,
                    now + timedelta(seconds=delay),
                    row.generation,
                    next_try(row.try_number),
                    row.attempts,
                )
                for row, delay in retries
            ],
        )


def waiting_seqs(cursor: Cursor, shard: int, campaign_id: CampaignId, limit: int) -> list[int]:
    """Read up to `limit` messages of a campaign that wait for another try."""
    cursor.execute(SELECT_WAITING.format(shard=shard), (campaign_id, limit))
    return [seq for (seq,) in cursor.fetchall()]


def forget_retries(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: Sequence[int]
) -> None:
    """Delete the retries of messages that have their final outcome now."""
    if seqs:
        cursor.execute(FORGET.format(shard=shard), (campaign_id, tuple(seqs)))
