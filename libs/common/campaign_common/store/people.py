"""Everything one person was sent: from the number to lists, to campaigns, to ledger rows.

Every step goes by an index, so that its time depends on how often somebody was written to, and
not on how many messages there are.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.campaign import CampaignState
from campaign_common.message import MessageKey, Status
from campaign_common.shard import shard_of
from campaign_common.store import Cursors
from campaign_common.store.message_listing import RecordedOutcome


class Addressed(NamedTuple):
    """A started campaign whose list holds a person, as recipient `seq`; times are UTC, naive."""

    campaign_id: int
    campaign_name: str
    state: CampaignState
    shards: int
    started_at: datetime
    seq: int


# Joined in this order: the number is what is rare.
SELECT_ADDRESSED = """
SELECT c.id, c.name, c.state, c.shards, c.started_at, r.seq
FROM recipients r
STRAIGHT_JOIN recipient_lists l ON l.id = r.list_id AND l.state = 'ready'
STRAIGHT_JOIN campaigns c ON c.list_id = r.list_id AND c.last_seq >= r.seq
WHERE r.phone = %s AND c.started_at <= %s AND (c.started_at < %s OR c.id < %s)
ORDER BY c.started_at DESC, c.id DESC LIMIT %s
"""

SELECT_OUTCOMES = (
    "SELECT campaign_id, seq, status, attempts, provider_message_id, error_code, sent_at"
    " FROM messages_{shard:d} WHERE {messages}"
)

NAMED_MESSAGE = "(campaign_id = {:d} AND seq = {:d})"


def campaigns_of(
    cursor: Cursor, phone: str, before: tuple[datetime, int], limit: int
) -> list[Addressed]:
    """Read started campaigns that address a person, the youngest first.

    `before`: start and id of the campaign after which to go on.
    """
    started_at, campaign_id = before
    cursor.execute(SELECT_ADDRESSED, (phone, started_at, started_at, campaign_id, limit))
    return [
        Addressed(id_, name, CampaignState(state), *others)
        for id_, name, state, *others in cursor.fetchall()
    ]


def outcomes_of(
    cursors: Cursors, phone: str, addressed: Iterable[Addressed]
) -> dict[MessageKey, RecordedOutcome]:
    """Read by primary key what the ledger holds of a person's messages."""
    by_shard: dict[int, list[str]] = defaultdict(list)
    for one in addressed:
        named = NAMED_MESSAGE.format(one.campaign_id, one.seq)
        by_shard[shard_of(phone, one.shards)].append(named)
    outcomes: dict[MessageKey, RecordedOutcome] = {}
    for cursor, shards in cursors.holding(by_shard):
        cursor.execute(
            " UNION ALL ".join(
                SELECT_OUTCOMES.format(shard=shard, messages=" OR ".join(by_shard[shard]))
                for shard in shards
            )
        )
        for campaign_id, seq, status, *others in cursor.fetchall():
            key = MessageKey(campaign_id, seq)
            outcomes[key] = RecordedOutcome(Status(status), *others)
    return outcomes
