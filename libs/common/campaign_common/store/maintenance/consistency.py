"""Numbers that agree in a consistent database, of a campaign and shard in one statement."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.recipient import ListId

Numbers = Mapping[int, int]
"""Numbers of messages by status."""


ReceiptNumbers = Mapping[tuple[int, int], int]
"""Numbers of receipts by state and rank."""


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
    receipts: ReceiptNumbers
    receipt_counters: ReceiptNumbers
    receipts_astray: int
    """Receipts that are closed as sent, and the ledger does not say so."""


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
SELECT 'ledger' AS part, status, 0, COUNT(*) FROM messages_{shard:d}
WHERE campaign_id = %s GROUP BY status
UNION ALL
SELECT 'counters', status, 0, n FROM campaign_counters
WHERE campaign_id = %s AND shard = %s AND n <> 0
UNION ALL
SELECT 'retries', 0, 0, COUNT(*) FROM message_retries_{shard:d} WHERE campaign_id = %s
UNION ALL
SELECT 'receipts', state, receipt_rank, COUNT(*) FROM receipts_{shard:d}
WHERE campaign_id = %s AND (receipt_rank > 0 OR state = 3) GROUP BY state, receipt_rank
UNION ALL
SELECT 'receipt_counters', state, receipt_rank, n FROM receipt_counters
WHERE campaign_id = %s AND shard = %s AND n <> 0
UNION ALL
SELECT 'receipts_astray', 0, 0, COUNT(*) FROM receipts_{shard:d} r
LEFT JOIN messages_{shard:d} m ON m.campaign_id = r.campaign_id AND m.seq = r.seq
  AND m.generation = r.generation AND m.status = 1
WHERE r.campaign_id = %s AND r.state IN (1, 3) AND m.seq IS NULL
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
    of_shard = campaign_id, shard
    cursor.execute(
        SELECT_SHARD.format(shard=shard),
        (campaign_id, *of_shard, campaign_id, campaign_id, *of_shard, campaign_id),
    )
    parts: dict[str, dict[tuple[int, int], int]] = defaultdict(dict)
    for part, number, rank, n in cursor.fetchall():
        parts[part][int(number), int(rank)] = int(n)
    return ShardCounts(
        _by_status(parts["ledger"]),
        _by_status(parts["counters"]),
        parts["retries"][0, 0],
        parts["receipts"],
        parts["receipt_counters"],
        parts["receipts_astray"][0, 0],
    )


def count_listed(cursor: Cursor, campaign: StartedCampaign) -> int | None:
    """Count the recipients whom a campaign addresses; None where their list was deleted."""
    cursor.execute(SELECT_LIST_STATE, (campaign.list_id,))
    if cursor.fetchone() != ("ready",):
        return None
    cursor.execute(COUNT_RECIPIENTS, (campaign.list_id, campaign.last_seq))
    ((n,),) = cursor.fetchall()
    return int(n)


def _by_status(numbers: ReceiptNumbers) -> Numbers:
    return {status: n for (status, _), n in numbers.items()}


def _campaigns(cursor: Cursor) -> list[StartedCampaign]:
    rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return [StartedCampaign(id_, CampaignState(state), *others) for id_, state, *others in rows]
