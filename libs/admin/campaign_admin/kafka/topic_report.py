"""A report on a topic: its partitions, the group's progress, and the owners of the shards."""

from dataclasses import asdict, dataclass
from typing import Any

from confluent_kafka.admin import AdminClient

from campaign_common.database import Databases
from campaign_common.domain.partition_map import PartitionMap, TopicDescription, position_under
from campaign_common.kafka import topics
from campaign_common.store.shards.partition_map import ShardOwner, read_map, read_owners


@dataclass(frozen=True)
class PartitionReport:
    """One partition; `committed` and `lag` are None before the group's first commit.

    `lag` is what is published and not recorded. A database that lacks commits, such as one that
    was restored, has recorded less than the group has committed.
    """

    partition: int
    log_start: int
    log_end: int
    committed: int | None
    lag: int | None
    shards: tuple[int, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True)
class TopicReport:
    """A topic as Kafka has it, with its map in MySQL; `partition_map` is None before the first."""

    topic: str
    description: TopicDescription
    group: str
    partition_map: PartitionMap | None
    partitions: tuple[PartitionReport, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        current = self.partition_map
        return {
            "topic": self.topic,
            "topic_id": self.description.topic_id,
            "group": self.group,
            "partition_map": current
            and {
                "version": current.version,
                "topic_id": current.topic_id,
                "partitions": current.partitions,
                "state": str(current.state),
                "start_offsets": dict(current.start_offsets),
            },
            "partitions": [asdict(partition) for partition in self.partitions],
        }


def report_on(databases: Databases, admin: AdminClient, topic: str, group: str) -> TopicReport:
    """Gather what Kafka and MySQL say of a topic.

    Raises:
        TopicMissing: the topic does not exist.
        RetryLater: a database or the broker is away.
    """
    description = topics.describe(admin, topic)
    numbers = range(description.partitions)
    starts = topics.log_starts(admin, topic, numbers)
    ends = topics.log_ends(admin, topic, numbers)
    committed = topics.committed_offsets(admin, group, topic)
    with databases.reading() as cursors:
        current = read_map(cursors.main, topic)
        owners = read_owners(cursors)
    return TopicReport(
        topic,
        description,
        group,
        current,
        tuple(
            _partition(number, starts[number], ends[number], committed.get(number), current, owners)
            for number in numbers
        ),
    )


def _partition(
    number: int,
    log_start: int,
    log_end: int,
    committed: int | None,
    current: PartitionMap | None,
    owners: list[ShardOwner],
) -> PartitionReport:
    carried = current.shards(number, len(owners)) if current else []
    its_owners = [owner for owner in owners if owner.position.shard in carried]
    names = {owner.owner_name for owner in its_owners}
    reached = [] if committed is None else [committed]
    if current is not None and reached:
        positions = [owner.position for owner in its_owners]
        reached += [
            position_under(current, position)
            for position in positions
            if position.topic_id == current.topic_id
        ]
    return PartitionReport(
        partition=number,
        log_start=log_start,
        log_end=log_end,
        committed=committed,
        lag=log_end - max(min(reached), log_start) if reached else None,
        shards=tuple(carried),
        owners=tuple(sorted(names - {""})),
    )
