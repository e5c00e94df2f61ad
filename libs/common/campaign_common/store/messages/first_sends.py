"""First sends: moments before which messages were not sent, of possibly_sent and message_retries_N.

A provider that knows idempotency keys for a time counts from the first use of a key (protocol
rule 3). A moment is that of the admission that came before the send, by the clock of the shard's
database server, in microseconds since 1970; 0: it is not known. Rests and waits do not move it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the database's times are UTC, without a zone
MICROSECOND = timedelta(microseconds=1)

LONG_AGO = 1
"""Moment of a send of which nothing is known, not even that its campaign had been started."""

SELECT = """
(SELECT seq, generation, sent_after, TIMESTAMPDIFF(MICROSECOND, sent_after, NOW(6)), 1
 FROM possibly_sent WHERE campaign_id = %s AND seq IN %s)
UNION ALL
(SELECT seq, generation, sent_after, TIMESTAMPDIFF(MICROSECOND, sent_after, NOW(6)), 0
 FROM message_retries_{shard:d} WHERE campaign_id = %s AND seq IN %s)
"""


class FirstSend(NamedTuple):
    """Moment before which a message was not sent, in one generation, as one row has it."""

    sent_after: int
    """0: it is not known."""
    age: float
    """Seconds since that moment; infinite where it is not known."""
    is_claim: bool
    """It is that of a lost sender's claim, and not of the tries that are recorded."""


FirstSends = Mapping[tuple[int, int], Sequence[FirstSend]]
"""Moments by (seq, generation)."""


def to_microseconds(moment: datetime) -> int:
    """Return a time of the database as microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def to_datetime(sent_after: int) -> datetime | None:
    """Return a moment as a time of the database; None: it is not known."""
    return EPOCH + timedelta(microseconds=sent_after) if sent_after else None


def read_first_sends(
    cursor: Cursor, shard: int, campaign_id: CampaignId, seqs: Sequence[int]
) -> FirstSends:
    """Read what is noted of the first sends of messages."""
    found: dict[tuple[int, int], list[FirstSend]] = defaultdict(list)
    if not seqs:
        return found
    wanted = (campaign_id, tuple(seqs))
    cursor.execute(SELECT.format(shard=shard), (*wanted, *wanted))
    for seq, generation, moment, age, is_claim in cursor.fetchall():
        found[seq, generation].append(
            FirstSend(0, inf, bool(is_claim))
            if moment is None
            else FirstSend(to_microseconds(moment), age / 1_000_000, bool(is_claim))
        )
    return found
