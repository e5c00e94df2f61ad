"""Offset commits to Kafka, after the offsets are recorded in MySQL.

The recorded offsets in MySQL are authoritative. Kafka's are for its lag display, and show after a
failover of the database whether it has lost commits (protocol rules 2 and 16).
"""

import time
from collections import defaultdict
from collections.abc import Mapping

import structlog
from confluent_kafka import KafkaException, TopicPartition

from campaign_common.domain.shard import Partition
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.shard_groups import ShardGroups

COMMIT_INTERVAL = 1.0
"""Seconds between two commits."""

log = structlog.get_logger()


class OffsetCommitter:
    """Committer of the lowest recorded offset of each partition taken over completely."""

    def __init__(self, consumer: GroupMember, topic: str, groups: ShardGroups) -> None:
        self._consumer = consumer
        self._topic = topic
        self._groups = groups
        self._committed_at = 0.0

    def commit(self, shard_counts: Mapping[Partition, int], *, wait: bool) -> None:
        """Commit, at most once per interval; `wait` commits at once and waits for the broker.

        `shard_counts`: number of shards of each partition; while one of them is missing, nothing
        is committed for the partition.
        """
        now = time.monotonic()
        if not wait and now - self._committed_at < COMMIT_INTERVAL:
            return
        self._committed_at = now
        offsets = self._offsets_to_commit(shard_counts)
        if not offsets:
            return
        try:
            self._consumer.commit(offsets, asynchronous=not wait)
        except KafkaException as error:
            # The recorded offsets in MySQL are authoritative; these only show lost commits.
            log.warning("offset commit failed", error=str(error))

    def _offsets_to_commit(self, shard_counts: Mapping[Partition, int]) -> list[TopicPartition]:
        """Return the lowest recorded offsets of partitions whose shards are all owned."""
        recorded: dict[Partition, list[int]] = defaultdict(list)
        silent: set[Partition] = set()
        for owned in self._groups.shards():
            partition = owned.place.partition
            recorded[partition].append(owned.recorded_offset)
            if owned.recorded_offset < owned.possibly_sent_below:
                silent.add(partition)  # Kafka keeps the end of the gap until then
        return [
            TopicPartition(self._topic, partition, min(offsets))
            for partition, offsets in recorded.items()
            if partition not in silent and len(offsets) == shard_counts.get(partition)
        ]
