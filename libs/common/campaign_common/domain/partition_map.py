"""The partition map: the partition of each shard by MySQL's word, and its changes (rule 11).

Kafka's own metadata is never used to choose a partition: between a change there and the
flip of the row here, a message could otherwise be called from its old and its new partition.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from campaign_common.domain.shard import Partition, Shard, partition_of, shards_on


class MapState(StrEnum):
    """The state of a map: publishers publish only under an active one."""

    ACTIVE = "active"
    DRAINING = "draining"


@dataclass(frozen=True)
class TopicDescription:
    """A topic as Kafka describes it at one moment."""

    topic_id: str
    partitions: int


@dataclass(frozen=True)
class PartitionMap:
    """The row of a topic.

    `start_offsets` says, for partitions of the version before, where this version begins;
    a partition it does not name begins at its log's start.
    """

    topic: str
    topic_id: str
    version: int
    partitions: int
    state: MapState
    start_offsets: Mapping[int, int] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Return whether records may be published under this map."""
        return self.state is MapState.ACTIVE

    def partition(self, shard: int) -> Partition:
        """Return the partition that carries `shard`."""
        return partition_of(shard, self.partitions)

    def shards(self, partition: int, shards: int) -> list[Shard]:
        """List the shards, of `shards`, that `partition` carries."""
        return shards_on(partition, self.partitions, shards)

    def start_of(self, partition: int) -> int:
        """Return the offset at which this version of the map begins in `partition`."""
        return self.start_offsets.get(partition, 0)

    def matches(self, topic: TopicDescription) -> bool:
        """Return whether Kafka's topic is still the one that this map was made for.

        Kafka never takes partitions away: fewer of them is the word of a broker that has not
        heard of the new ones yet.
        """
        return self.topic_id == topic.topic_id and topic.partitions <= self.partitions


@dataclass(frozen=True)
class ShardPosition:
    """The recorded position of a shard, from its claim row; `has_claims` = work is open."""

    shard: Shard
    topic_id: str
    partition: Partition
    map_version: int
    recorded_offset: int
    has_claims: bool


def position_under(partition_map: PartitionMap, position: ShardPosition) -> int:
    """Translate a shard's recorded offset into the partition it has under `partition_map`.

    An offset of an older version becomes the place where this version begins; an offset of
    another topic, or of none yet, becomes 0. The caller raises the answer to the log's start.
    """
    if position.topic_id != partition_map.topic_id:
        return 0
    partition = partition_map.partition(position.shard)
    if position.map_version == partition_map.version and position.partition == partition:
        return max(position.recorded_offset, 0)
    return partition_map.start_of(partition)


def unrecorded_shards(
    partition_map: PartitionMap,
    positions: Mapping[Shard, ShardPosition],
    log_starts: Mapping[int, int],
    log_ends: Mapping[int, int],
) -> list[int]:
    """List the shards that keep a draining map from flipping.

    A shard is drained when nothing is claimed and its recorded offset has reached the end of its
    partition. Records that retention deleted count as passed, and so does the empty partition of
    a shard that never had an owner.
    """
    waiting = []
    for shard, position in positions.items():
        partition = partition_map.partition(shard)
        reached = max(position_under(partition_map, position), log_starts[partition])
        if position.has_claims or reached < log_ends[partition]:
            waiting.append(shard)
    return sorted(waiting)


def next_map(
    partition_map: PartitionMap, topic: TopicDescription, log_ends: Mapping[int, int]
) -> PartitionMap:
    """Return the map that follows a drained one.

    Under the same topic, old partitions begin where they ended (`log_ends`); under another
    topic id every partition begins at its start.
    """
    same_topic = partition_map.topic_id == topic.topic_id
    return PartitionMap(
        topic=partition_map.topic,
        topic_id=topic.topic_id,
        version=partition_map.version + 1,
        partitions=max(topic.partitions, partition_map.partitions)
        if same_topic
        else topic.partitions,
        state=MapState.ACTIVE,
        start_offsets=dict(log_ends) if same_topic else {},
    )
