"""Migration to a changed topic: the partition map drains, then the next is active (rule 11).

Each step reads the current state and writes by compare-and-set, so that any number of
processes may take steps at once, and any of them continues after a crash.
"""

from dataclasses import dataclass

import structlog
from confluent_kafka.admin import AdminClient
from pymysql.cursors import Cursor

from campaign_common.database import Databases, Proof
from campaign_common.domain.partition_map import (
    PartitionMap,
    TopicDescription,
    next_map,
    unrecorded_shards,
)
from campaign_common.errors import TopicMissing
from campaign_common.kafka import topics
from campaign_common.store.shards import partition_map as store

TOPIC_REPLACED = "the topic was deleted or created again"

_log = structlog.get_logger()


@dataclass(frozen=True)
class RemapStep:
    """State of the map after a step, and the shards that keep it from flipping."""

    partition_map: PartitionMap
    unrecorded: tuple[int, ...] = ()


class PartitionMigration:
    """Migration of the partition map of one topic to what Kafka has, step by step."""

    def __init__(self, databases: Databases, admin: AdminClient, topic: str, actor: str) -> None:
        self._databases = databases
        self._database = databases.main
        self._admin = admin
        self._topic = topic
        self._actor = actor

    def step(self) -> RemapStep:
        """Compare the map with Kafka and go one step towards it.

        Raises:
            TopicMissing: the topic does not exist; publishing is held until it does.
            RetryLater: the database or the broker is away.
        """
        current = self._current()
        topic = self._described()
        if current is None:
            return RemapStep(self._first(topic))
        if current.is_active:
            if topic is not None and current.matches(topic):
                return RemapStep(current)
            current = self._begin_draining(current, topic)
        if topic is None:
            raise TopicMissing(f"topic {self._topic} does not exist; publishing is held")
        return self._flip_when_drained(current, topic)

    def _current(self) -> PartitionMap | None:
        with self._database.reading() as cursor:
            return store.read_map(cursor, self._topic)

    def _described(self) -> TopicDescription | None:
        try:
            return topics.describe(self._admin, self._topic)
        except TopicMissing:
            return None

    def _first(self, topic: TopicDescription | None) -> PartitionMap:
        if topic is None:
            raise TopicMissing(f"topic {self._topic} does not exist; campaign-topics create it")
        self._database.run(lambda cursor: store.insert_first_map(cursor, self._topic, topic))
        return self._required()

    def _required(self) -> PartitionMap:
        current = self._current()
        if current is None:
            raise TopicMissing(f"the partition map of topic {self._topic} was deleted")
        return current

    def _begin_draining(
        self, current: PartitionMap, topic: TopicDescription | None
    ) -> PartitionMap:
        if self._database.run(lambda cursor: store.begin_draining(cursor, current)):
            _log.info(
                "partition map draining",
                topic=self._topic,
                version=current.version,
                partitions=current.partitions,
                current_partitions=topic.partitions if topic else 0,
                same_topic=topic is not None and topic.topic_id == current.topic_id,
            )
        return self._required()

    def _flip_when_drained(self, current: PartitionMap, topic: TopicDescription) -> RemapStep:
        if current.is_active:
            return RemapStep(current)
        ends: dict[int, int] = {}
        if current.topic_id == topic.topic_id:
            # The ends are read after the row said that it drains, and the positions after the
            # ends: whatever was counted as published lies below these ends.
            ends = topics.log_ends(self._admin, self._topic, range(current.partitions))
            unrecorded = self._unrecorded(current, ends)
            if unrecorded:
                return RemapStep(current, tuple(unrecorded))
        following = next_map(current, topic, ends)
        if self._database.run(lambda cursor: self._flip(cursor, current, following)):
            _log.info(
                "partition map active",
                topic=self._topic,
                version=following.version,
                partitions=following.partitions,
            )
        return RemapStep(self._required())

    def _unrecorded(self, current: PartitionMap, ends: dict[int, int]) -> list[int]:
        starts = topics.log_starts(self._admin, self._topic, range(current.partitions))
        with self._databases.reading(proof=Proof.NOW) as cursors:
            owners = store.read_owners(cursors)
        positions = {owner.position.shard: owner.position for owner in owners}
        return unrecorded_shards(current, positions, starts, ends)

    def _flip(self, cursor: Cursor, drained: PartitionMap, following: PartitionMap) -> bool:
        if not store.flip(cursor, drained, following):
            return False
        if drained.topic_id == following.topic_id:
            store.end_leases_of_running(cursor)
        else:
            store.publish_running_again(cursor, self._actor, TOPIC_REPLACED)
        return True
