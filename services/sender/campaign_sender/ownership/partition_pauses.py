"""Partition pauses: Kafka delivers nothing of shard groups that cannot take more, or of blocks."""

from collections.abc import Collection, Iterable

from confluent_kafka import TopicPartition

from campaign_common.domain.shard import Partition
from campaign_sender.ownership.blocked_partitions import BlockedPartitions
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.shard_groups import ShardGroup, ShardGroups


class PartitionPauses:
    """Pauses of the consumer's partitions; used by the consumer loop's thread only.

    The loop keeps polling while they are paused, so that the process stays in the consumer group.
    `active`: the partitions that are taken over, kept by the caller.
    """

    def __init__(
        self,
        consumer: GroupMember,
        topic: str,
        groups: ShardGroups,
        blocked: BlockedPartitions,
        active: Collection[int],
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._groups = groups
        self._blocked = blocked
        self._active = active
        self._paused_groups: frozenset[ShardGroup] = frozenset()

    @property
    def paused(self) -> set[Partition]:
        """Partitions that are taken over and have shards of a paused group."""
        if not self._paused_groups:
            return set()
        return {
            owned.place.partition
            for owned in self._groups.shards()
            if self._groups.of_shard(owned.shard) in self._paused_groups
            and owned.place.partition in self._active
        }

    def pause_groups(self, groups: Iterable[ShardGroup]) -> None:
        """Pause the partitions of some shard groups, and resume those of all others.

        A partition with shards of several groups is paused while one of them is.
        """
        wanted = frozenset(groups)
        if self._paused_groups == wanted:
            return
        before = self.paused
        self._paused_groups = wanted
        self.reapply()
        again = before - self.paused - set(self._blocked.partitions)
        self._consumer.resume([TopicPartition(self._topic, partition) for partition in again])

    def reapply(self) -> None:
        """Pause the partitions of paused groups again, as a takeover may have resumed some."""
        self.pause(self.paused)

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Pause these partitions."""
        self._consumer.pause([TopicPartition(self._topic, partition) for partition in partitions])

    def resume_at(self, place: TopicPartition) -> None:
        """Resume a partition that was taken over, unless its group is paused."""
        if place.partition not in self.paused:
            self._consumer.resume([place])
