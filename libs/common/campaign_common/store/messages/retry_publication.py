"""message_retries_N, the publisher's side: what is due, and where it was published.

Publishing only stamps a row; the transaction that records the outcome of the try deletes it
(protocol rule 9).
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignEpoch, CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.core.open_circuits import OPEN_CIRCUITS
from campaign_common.store.messages.provider_breakers import routes_with_open_circuits


class DueRetry(NamedTuple):
    """A message that waits for the try `try_number`, to be published."""

    campaign_id: CampaignId
    seq: int
    generation: int
    try_number: int
    attempts: int
    held_back: int
    """Microseconds for which it was due and could not be published: the circuit breaker of its
    provider was open, or its campaign was paused. They do not count into the age of the message."""


class Stamp(NamedTuple):
    """Place and campaign's epoch of the published record of one try."""

    campaign_id: CampaignId
    seq: int
    generation: int
    try_number: int
    epoch: CampaignEpoch
    partition: int
    offset: int
    held_back: int = 0
    """As that of the retry."""


Epochs = Mapping[CampaignId, CampaignEpoch]
"""Campaigns by id, each with its epoch."""

SELECT_SENDABLE = f"""
SELECT c.id, c.epoch, c.provider FROM campaigns c
WHERE c.state = 'running' AND c.lease_owner = %s
  AND NOT EXISTS (SELECT 1 FROM ({OPEN_CIRCUITS}) b WHERE b.provider = c.provider)
"""

SELECT_WAITING = """
SELECT shard, campaign_id FROM campaign_counters
WHERE campaign_id IN %s AND status = %s AND n > 0
"""

HELD_BACK_FROM = 5_000_000
"""Microseconds after which a retry that is due counts as held back, and not as just about to go."""

SELECT_DUE = """
SELECT campaign_id, seq, generation, try_number, attempts,
       GREATEST(TIMESTAMPDIFF(MICROSECOND, due_at, NOW(6)), 0)
FROM message_retries_{shard:d}
WHERE campaign_id IN %s AND published_at IS NULL AND due_at <= NOW(6)
ORDER BY due_at LIMIT %s
"""

# One statement, so that the offset and the row are read at one moment: the sender moves its
# offset and deletes the row in one transaction. The epochs are read before, on the main server:
# what has a newer one by now is found by the next search.
SELECT_OVERTAKEN = """
SELECT STRAIGHT_JOIN r.campaign_id, r.seq, r.generation, r.try_number, r.attempts,
  IF(r.published_epoch < c.epoch, TIMESTAMPDIFF(MICROSECOND, r.published_at, NOW(6)), 0)
FROM JSON_TABLE(%s, '$[*]' COLUMNS (
    campaign_id BIGINT UNSIGNED PATH '$[0]', epoch INT UNSIGNED PATH '$[1]')) AS c
JOIN shard_claims s ON s.shard = %s
JOIN message_retries_{shard:d} r ON r.campaign_id = c.campaign_id
WHERE r.published_at IS NOT NULL
  AND (r.published_epoch < c.epoch
       OR r.published_topic_id <> %s
       OR r.published_partition <> %s
       OR (s.topic_id = r.published_topic_id AND s.partition_number = r.published_partition
           AND s.recorded_offset > r.published_offset))
LIMIT %s
"""

# STRAIGHT_JOIN: every stamp finds its row by primary key, and locks nothing else. A rest ends when
# the next try is published, and does not count into the age; one before an earlier try is over.
STAMP = """
UPDATE JSON_TABLE(%s, '$[*]' COLUMNS (
    campaign_id BIGINT UNSIGNED PATH '$[0]', seq INT UNSIGNED PATH '$[1]',
    generation INT PATH '$[2]', try_number INT PATH '$[3]', epoch INT UNSIGNED PATH '$[4]',
    place INT PATH '$[5]', record_offset BIGINT PATH '$[6]', held_back BIGINT PATH '$[7]')) AS stamp
STRAIGHT_JOIN message_retries_{shard:d} r
  ON r.campaign_id = stamp.campaign_id AND r.seq = stamp.seq
SET r.aged_from = r.aged_from + INTERVAL COALESCE(
      IF(r.rests_try = r.try_number, TIMESTAMPDIFF(MICROSECOND, r.rests_since, NOW(6)), NULL),
      IF(stamp.held_back > {held_back_from:d}, stamp.held_back, 0)) MICROSECOND,
    r.rests_since = NULL,
    r.published_at = NOW(6), r.published_epoch = stamp.epoch, r.published_topic_id = %s,
    r.published_partition = stamp.place, r.published_offset = stamp.record_offset
WHERE r.generation = stamp.generation AND r.try_number = stamp.try_number
"""


def sendable_campaigns(cursor: Cursor, owner: str, routes: Routes | None = None) -> Epochs:
    """Read which running campaigns leased by `owner` have a provider that may be called.

    Of those that take one of `routes`, not the ones of which all providers have an open breaker.
    """
    unavailable = routes_with_open_circuits(cursor, routes)
    cursor.execute(SELECT_SENDABLE, (owner,))
    return {
        campaign_id: epoch
        for campaign_id, epoch, provider in cursor.fetchall()
        if provider not in unavailable
    }


def waiting_campaigns(cursor: Cursor, sendable: Epochs) -> dict[int, Epochs]:
    """List, by shard, the campaigns that have messages waiting for a retry."""
    waiting: dict[int, dict[CampaignId, CampaignEpoch]] = defaultdict(dict)
    if sendable:
        cursor.execute(SELECT_WAITING, (tuple(sendable), int(Status.WAITING)))
        for shard, campaign_id in cursor.fetchall():
            waiting[shard][campaign_id] = sendable[campaign_id]
    return dict(waiting)


def due_retries(cursor: Cursor, shard: int, campaigns: Epochs, limit: int) -> list[DueRetry]:
    """Read retries that are due and were never published, the longest due first."""
    cursor.execute(SELECT_DUE.format(shard=shard), (tuple(campaigns), limit))
    return [DueRetry(*row) for row in cursor.fetchall()]


def overtaken_retries(
    cursor: Cursor, shard: int, campaigns: Epochs, partition_map: PartitionMap, limit: int
) -> list[DueRetry]:
    """Read retries that were published and still wait although no sender will meet them.

    Their record is stale (an older epoch of the campaign, a partition or a topic that no
    longer carries the shard), or consumers have passed its offset.
    """
    cursor.execute(
        SELECT_OVERTAKEN.format(shard=shard),
        (
            json.dumps(sorted(campaigns.items())),
            shard,
            partition_map.topic_id,
            partition_map.partition(shard),
            limit,
        ),
    )
    return [DueRetry(*row) for row in cursor.fetchall()]


def stamp_published(cursor: Cursor, shard: int, stamps: Sequence[Stamp], topic_id: str) -> None:
    """Note where retries were published; rows that moved on to another try stay as they are."""
    if stamps:
        in_lock_order = json.dumps(sorted(stamps))
        statement = STAMP.format(shard=shard, held_back_from=HELD_BACK_FROM)
        cursor.execute(statement, (in_lock_order, topic_id))
