"""Numbers that agree in a consistent database, of a campaign and shard in one statement."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.recipient import ListId

Numbers = Mapping[int, int]
"""Numbers of messages by status."""


class StartedCampaign(NamedTuple):
    """A campaign that has started; `total` was frozen then."""

    id: CampaignId
    state: CampaignState
    list_id: ListId
    shards: int
    last_seq: int
    total: int
    published_count: int


class ShardCounts(NamedTuple):
    """The numbers that the tables give for one campaign's messages in one shard."""

    ledger: Numbers
    counters: Numbers
    retries: int


SELECT_STARTED = """
SELECT id, state, list_id, shards, last_seq, total, published_count FROM campaigns
WHERE id > %s AND shards IS NOT NULL ORDER BY id LIMIT %s
"""

SELECT_NAMED = """
SELECT id, state, list_id, shards, last_seq, total, published_count FROM campaigns
WHERE id IN %s AND shards IS NOT NULL ORDER BY id
"""

# One statement, so that all of it is read at one moment, whatever goes on.
SELECT_SHARD = """
SELECT 'ledger' AS part, status, COUNT(*) FROM messages_{shard:d}
WHERE campaign_id = %s GROUP BY status
UNION ALL
SELECT 'counters', status, n FROM campaign_counters
WHERE campaign_id = %s AND shard = %s AND n <> 0
UNION ALL
SELECT 'retries', 0, COUNT(*) FROM message_retries_{shard:d} WHERE campaign_id = %s
"""

SELECT_LIST_STATE = "SELECT state FROM recipient_lists WHERE id = %s"

COUNT_RECIPIENTS = "SELECT COUNT(*) FROM recipients WHERE list_id = %s AND seq <= %s"


def started_campaigns(cursor: Cursor, *, after_id: int, limit: int) -> list[StartedCampaign]:
    """Read up to `limit` started campaigns with ids above `after_id`."""
    cursor.execute(SELECT_STARTED, (after_id, limit))
    return _campaigns(cursor)


def named_campaigns(cursor: Cursor, campaign_ids: Collection[CampaignId]) -> list[StartedCampaign]:
    """Read the named campaigns that have started."""
    cursor.execute(SELECT_NAMED, (tuple(campaign_ids),))
    return _campaigns(cursor)


def read_shard(cursor: Cursor, campaign_id: CampaignId, shard: int) -> ShardCounts:
    """Count a campaign's messages in one shard in every way there is."""
    cursor.execute(SELECT_SHARD.format(shard=shard), (campaign_id, campaign_id, shard, campaign_id))
    parts: dict[str, dict[int, int]] = defaultdict(dict)
    for part, status, n in cursor.fetchall():
        parts[part][int(status)] = int(n)
    return ShardCounts(parts["ledger"], parts["counters"], parts["retries"][0])


def count_listed(cursor: Cursor, campaign: StartedCampaign) -> int | None:
    """Count the recipients whom a campaign addresses; None where their list was deleted."""
    cursor.execute(SELECT_LIST_STATE, (campaign.list_id,))
    if cursor.fetchone() != ("ready",):
        return None
    cursor.execute(COUNT_RECIPIENTS, (campaign.list_id, campaign.last_seq))
    ((n,),) = cursor.fetchall()
    return int(n)


def _campaigns(cursor: Cursor) -> list[StartedCampaign]:
    rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return [StartedCampaign(id_, CampaignState(state), *others) for id_, state, *others in rows]
