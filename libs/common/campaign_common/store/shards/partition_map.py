"""partition_map: the row that says which partition carries which shard (protocol rule 11)."""

import json
from dataclasses import dataclass
from typing import Any

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.partition_map import (
    MapState,
    PartitionMap,
    ShardPosition,
    TopicDescription,
)
from campaign_common.domain.shard import Epoch
from campaign_common.store.core.events import append_event

SELECT_MAP = """
SELECT topic, topic_id, version, partitions, state, start_offsets
FROM partition_map WHERE topic = %s
"""

INSERT_FIRST_MAP = """
INSERT IGNORE INTO partition_map
  (topic, topic_id, version, partitions, state, start_offsets, changed_at)
VALUES (%s, %s, 1, %s, 'active', '{}', NOW(6))
"""

BEGIN_DRAINING = """
UPDATE partition_map SET state = 'draining', changed_at = NOW(6)
WHERE topic = %s AND version = %s AND state = 'active'
"""

FLIP = """
UPDATE partition_map
SET version = %s, topic_id = %s, partitions = %s, start_offsets = %s, state = 'active',
    changed_at = NOW(6)
WHERE topic = %s AND version = %s AND state = 'draining'
"""

SELECT_OWNERS = """
SELECT shard, topic_id, partition_number, map_version, recorded_offset, claimed <> '',
       owner_name, epoch
FROM shard_claims ORDER BY shard
"""

# The leases end at once, so that the next scheduler to look takes the campaigns again and
# publishes by the new map; what was published by the old one is not counted any more.
END_LEASES = """
UPDATE campaigns SET lease_epoch = lease_epoch + 1, lease_until = NOW(6)
WHERE state = 'running'
"""

SELECT_RUNNING = "SELECT id FROM campaigns WHERE state = 'running' ORDER BY id FOR UPDATE"

PUBLISH_AGAIN = """
UPDATE campaigns
SET published_seq = 0, published_count = 0, epoch = epoch + 1,
    lease_epoch = lease_epoch + 1, lease_until = NOW(6)
WHERE state = 'running' AND id IN %s
"""


@dataclass(frozen=True)
class ShardOwner:
    """A shard's position together with who owns it; `owner_name` is empty before the first."""

    position: ShardPosition
    owner_name: str
    epoch: Epoch


def read_map(cursor: Cursor, topic: str) -> PartitionMap | None:
    """Read the map of `topic`; None before anybody has seen the topic."""
    cursor.execute(SELECT_MAP, (topic,))
    row = cursor.fetchone()
    if row is None:
        return None
    return PartitionMap(
        topic=row[0],
        topic_id=row[1],
        version=row[2],
        partitions=row[3],
        state=MapState(row[4]),
        start_offsets={int(key): int(value) for key, value in json.loads(row[5]).items()},
    )


def insert_first_map(cursor: Cursor, topic: str, description: TopicDescription) -> bool:
    """Make the row of a topic seen for the first time; False when it was there already."""
    inserted = cursor.execute(
        INSERT_FIRST_MAP, (topic, description.topic_id, description.partitions)
    )
    return inserted == 1


def begin_draining(cursor: Cursor, current: PartitionMap) -> bool:
    """Stop all publishing under `current`; False when the row has moved on meanwhile."""
    return cursor.execute(BEGIN_DRAINING, (current.topic, current.version)) == 1


def flip(cursor: Cursor, drained: PartitionMap, following: PartitionMap) -> bool:
    """Replace a drained map by the one that follows; False when somebody else did."""
    starts = json.dumps({str(key): value for key, value in following.start_offsets.items()})
    changed = cursor.execute(
        FLIP,
        (
            following.version,
            following.topic_id,
            following.partitions,
            starts,
            drained.topic,
            drained.version,
        ),
    )
    return changed == 1


def end_leases_of_running(cursor: Cursor) -> None:
    """Make every publisher read the map again before anything it publishes can count."""
    cursor.execute(END_LEASES)


def publish_running_again(cursor: Cursor, actor: str, reason: str) -> int:
    """Set every running campaign back to its first recipient under a new epoch (rule 8).

    Returns how many there were. What has an outcome is not published again: fan-out looks
    it up in the ledger.
    """
    cursor.execute(SELECT_RUNNING)
    campaign_ids = [row[0] for row in cursor.fetchall()]
    if campaign_ids:
        cursor.execute(PUBLISH_AGAIN, (campaign_ids,))
    for campaign_id in campaign_ids:
        append_event(
            cursor,
            campaign_id,
            actor,
            from_state=CampaignState.RUNNING,
            to_state=CampaignState.RUNNING,
            reason=reason,
        )
    return len(campaign_ids)


def read_owners(cursors: Cursors) -> list[ShardOwner]:
    """Read, for every shard in their order, how far it is recorded and who owns it."""
    owners: dict[int, ShardOwner] = {}
    for cursor in cursors.all:
        cursor.execute(SELECT_OWNERS)
        for row in cursor.fetchall():
            # A shard that was moved may have left its old row behind.
            if cursors.of_shard(row[0]) is cursor:
                owners[row[0]] = _owner(row)
    return [owners[shard] for shard in sorted(owners)]


def _owner(row: tuple[Any, ...]) -> ShardOwner:
    position = ShardPosition(
        shard=row[0],
        topic_id=row[1],
        partition=row[2],
        map_version=row[3],
        recorded_offset=row[4],
        has_claims=bool(row[5]),
    )
    return ShardOwner(position, owner_name=row[6], epoch=row[7])
