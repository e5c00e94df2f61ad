"""message_retries_N, the sender's side: when a message is due again.

The row is written and deleted by the transaction that records the outcome (protocol rule 9);
publishing a retry only stamps it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import next_try
from campaign_common.store.messages.first_sends import to_datetime
from campaign_common.store.messages.ledger import LedgerRow

SELECT_NOW = "SELECT NOW(6)"

# A rest that began before the try was published has ended with that, and is left out by then. A
# service of 0.2.0 leaves the columns as they were, though it plans another try.
AGE_STOPS = (
    "(rests_since IS NOT NULL AND rests_try = try_number"
    " AND (published_at IS NULL OR rests_since >= published_at))"
)

# The driver sends many rows in one statement only where every value is a plain %s: due times
# are added up here, from the database's clock.
SCHEDULE = (
    "INSERT INTO message_retries_{shard:d}"
    " (campaign_id, seq, due_at, generation, try_number, attempts, aged_from, rests_since,"
    " sent_after, rests_try) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    # The age of a message goes on from its first send, without the rest that ends now, and without
    # the way of a try that met another rest. The old values are read before they are replaced.
    " ON DUPLICATE KEY UPDATE aged_from = IF(generation <> VALUES(generation), VALUES(aged_from),"
    " COALESCE(aged_from + INTERVAL COALESCE(TIMESTAMPDIFF(MICROSECOND,"
    f" IF({AGE_STOPS}, rests_since, IF(VALUES(rests_since) IS NULL, NULL, published_at)),"
    " NOW(6)), 0)"
    " MICROSECOND, VALUES(aged_from))), rests_since = VALUES(rests_since),"
    # The earliest moment of the generation. One that is missing after attempts stays so: they are
    # those of a sender of 0.2.0.
    " sent_after = IF(generation <> VALUES(generation), VALUES(sent_after),"
    " COALESCE(LEAST(sent_after, VALUES(sent_after)), sent_after,"
    " IF(attempts = 0, VALUES(sent_after), NULL))),"
    " rests_try = VALUES(rests_try),"
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
    f"SELECT seq, TIMESTAMPDIFF(MICROSECOND, aged_from, IF({AGE_STOPS}, rests_since, NOW(6))),"
    f" IF({AGE_STOPS}, 0, COALESCE(TIMESTAMPDIFF(MICROSECOND, published_at, NOW(6)), 0))"
    " FROM message_retries_{shard:d}"
    " WHERE campaign_id = %s AND seq IN %s AND aged_from IS NOT NULL"
)


# What a try has waited for a grant since it was published.
LEAVE_OUT_WAITS = (
    "UPDATE message_retries_{shard:d}"
    " SET aged_from = aged_from + INTERVAL TIMESTAMPDIFF(MICROSECOND, published_at, NOW(6))"
    " MICROSECOND WHERE campaign_id = %s AND seq IN %s"
    f" AND published_at IS NOT NULL AND NOT {AGE_STOPS}"
)


class Age(NamedTuple):
    """Age of a message that waits, in seconds since its first send, without rests."""

    seconds: float
    since_published: float
    """Part of it since this try was published."""


class ScheduledRetry(NamedTuple):
    """A message that waits: its ledger row as written, and when it is due again."""

    row: LedgerRow
    seconds: float
    """Seconds until it is due."""
    was_sent: bool = False
    """It was sent in this try, or may have been: from the first such try on its age counts."""
    stops_age: bool = False
    """It waits since its provider rests, which does not count into its age."""
    has_waited: bool = False
    """It has waited for a grant of a limit in this try, which does not count either."""
    sent_after: int = 0
    """It was not sent in this generation before this moment (`first_sends`); 0: not known, or not
    sent at all."""


def schedule_retries(cursor: Cursor, shard: int, retries: Sequence[ScheduledRetry]) -> None:
    """Make messages due again, so many seconds from now."""
    if retries:
        _leave_out_waits(cursor, shard, retries)
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
                    now if stops_age else None,
                    to_datetime(sent_after),
                    next_try(row.try_number) if stops_age else None,
                )
                for row, seconds, was_sent, stops_age, _, sent_after in retries
            ],
        )


def _leave_out_waits(cursor: Cursor, shard: int, retries: Sequence[ScheduledRetry]) -> None:
    """Subtract from the age of messages what they have waited for grants."""
    waited: dict[CampaignId, list[int]] = defaultdict(list)
    for retry in retries:
        if retry.has_waited and not retry.stops_age:
            waited[CampaignId(retry.row.campaign_id)].append(retry.row.seq)
    for campaign_id, seqs in sorted(waited.items()):
        cursor.execute(LEAVE_OUT_WAITS.format(shard=shard), (campaign_id, tuple(seqs)))


def read_ages(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: Sequence[int]
) -> dict[int, Age]:
    """Read the ages of messages that wait, by seq.

    What was not sent yet, and what a service of 0.2.0 has scheduled, is left out.
    """
    if not seqs:
        return {}
    cursor.execute(SELECT_AGES.format(shard=shard), (campaign_id, tuple(seqs)))
    return {
        seq: Age(age / 1_000_000, since_published / 1_000_000)
        for seq, age, since_published in cursor.fetchall()
    }


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
