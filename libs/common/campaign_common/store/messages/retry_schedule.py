"""message_retries_N, the sender's side: when a message is due again.

The row is written and deleted by the transaction that records the outcome (protocol rule 9);
publishing a retry only stamps it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import next_try
from campaign_common.store.messages.ledger import LedgerRow

SELECT_NOW = "SELECT NOW(6)"

# The driver sends many rows in one statement only where every value is a plain %s: due times
# are added up here, from the database's clock.
SCHEDULE = (
    "INSERT INTO message_retries_{shard:d}"
    " (campaign_id, seq, due_at, generation, try_number, attempts, aged_from, rests_since)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
    # The age of a message goes on from its first send, without the rest that ends now. The old
    # values are read before they are replaced.
    " ON DUPLICATE KEY UPDATE aged_from = IF(generation <> VALUES(generation), VALUES(aged_from),"
    " COALESCE(aged_from + INTERVAL COALESCE(TIMESTAMPDIFF(MICROSECOND, rests_since, NOW(6)), 0)"
    " MICROSECOND, VALUES(aged_from))), rests_since = VALUES(rests_since),"
    " due_at = VALUES(due_at), generation = VALUES(generation),"
    " try_number = VALUES(try_number), attempts = VALUES(attempts), published_at = NULL,"
    " published_epoch = NULL, published_topic_id = NULL, published_partition = NULL,"
    " published_offset = NULL"
)

SELECT_WAITING = (
    "SELECT seq FROM message_retries_{shard:d} WHERE campaign_id = %s ORDER BY seq LIMIT %s"
)

FORGET = "DELETE FROM message_retries_{shard:d} WHERE campaign_id = %s AND seq IN %s"

SELECT_AGES = (
    "SELECT seq, TIMESTAMPDIFF(MICROSECOND, aged_from, COALESCE(rests_since, NOW(6))) / 1000000.0"
    " FROM message_retries_{shard:d}"
    " WHERE campaign_id = %s AND seq IN %s AND aged_from IS NOT NULL"
)


class ScheduledRetry(NamedTuple):
    """A message that waits: its ledger row as written, and when it is due again."""

    row: LedgerRow
    seconds: float
    """Seconds until it is due."""
    was_sent: bool = False
    """It was sent in this try, or may have been: from the first such try on its age counts."""
    rests: bool = False
    """It waits since its provider rests, which does not count into its age."""


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
                    now + timedelta(seconds=seconds),
                    row.generation,
                    next_try(row.try_number),
                    row.attempts,
                    now if was_sent else None,
                    now if rests else None,
                )
                for row, seconds, was_sent, rests in retries
            ],
        )


def read_ages(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: Sequence[int]
) -> dict[int, float]:
    """Read the seconds since the first send of messages that wait, without rests, by seq.

    What was not sent yet, and what a service of 0.2.0 has scheduled, is left out.
    """
    if not seqs:
        return {}
    cursor.execute(SELECT_AGES.format(shard=shard), (campaign_id, tuple(seqs)))
    return {seq: float(age) for seq, age in cursor.fetchall()}


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
