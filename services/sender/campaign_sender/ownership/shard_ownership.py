"""Shard ownership: partitions assigned by Kafka, and the shards taken over for them.

Kafka's assignment alone is not enough: a shard is worked for only between its takeover in MySQL
and its release, loss or fencing (protocol rules 3, 4 and 13). The consumer loop's thread calls all
methods; the rebalance callbacks run inside its poll.
"""

from collections.abc import Iterable, Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pymysql.err import Error as DriverError

from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.shard import Partition, Shard
from campaign_common.errors import LeaseLost, RetryLater
from campaign_sender.metrics import (
    LOST_COMMITS,
    PARTITIONS_LOST,
    POSSIBLY_SENT_CLAIMS_LOST,
    SHARDS_FENCED,
    SHARDS_TAKEN_OVER,
    UNKNOWN_CLAIMS_LOST,
)
from campaign_sender.ownership.blocked_partitions import BlockedPartitions
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.group_membership import GroupMembership
from campaign_sender.ownership.offset_committer import OffsetCommitter
from campaign_sender.ownership.partition_pauses import PartitionPauses
from campaign_sender.ownership.shard_claims import ShardClaims
from campaign_sender.ownership.shard_groups import ShardGroup, ShardGroups
from campaign_sender.ownership.takeover import Settlement
from campaign_sender.ownership.takeover_queue import TakeoverQueue

SEEK_RETRY_DELAY = 0.05
"""Seconds until a seek is retried that came before the partition's fetcher was ready."""

log = structlog.get_logger()


class ShardOwnership:
    """Ownership of shards, which are taken over and released as the group rebalances."""

    def __init__(
        self,
        consumer: GroupMember,
        groups: ShardGroups,
        *,
        topic: str,
        owner_name: str,
        drain_timeout: float,
        blocked: BlockedPartitions,
    ) -> None:
        self._consumer = consumer
        self._groups = groups
        self._topic = topic
        self._drain_timeout = drain_timeout
        self._blocked = blocked
        self._offsets = OffsetCommitter(consumer, topic, groups)
        self._membership = GroupMembership(consumer, topic, groups.max_span)
        self._claims = ShardClaims(groups, topic, owner_name)
        self._queue = TakeoverQueue()
        self._map: PartitionMap | None = None
        self._assigned: set[Partition] = set()
        self._active: dict[Partition, int] = {}
        """Partitions taken over, each with its number of shards; while one is missing, nothing is
        committed to Kafka."""
        self._pauses = PartitionPauses(consumer, topic, groups, blocked, self._active.keys())

    def subscribe(self) -> None:
        """Join the consumer group."""
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def rejoin(self) -> None:
        """Join the group again with a new client, since this one cannot go on.

        Whether another member has these partitions meanwhile only the database says, and it
        refuses what is recorded of a shard that was taken over (rule 4).
        """
        self._release(set(self._assigned))
        self._forget_partitions(set(self._assigned))
        self._consumer.renew()
        self.subscribe()

    def run_due_takeovers(self) -> set[Partition]:
        """Take over due partitions, after assignments, fencing and changes of the partition map.

        Returns the partitions that are fetched from another offset now: records fetched of them
        before are fetched again.
        """
        self._drop_fenced_shards()
        self._retake_for_new_shards()
        if self._map is not None and self._groups.map_version > self._map.version:
            self._restart_under_new_map()
        return {partition for partition in self._queue.due() if self._try_takeover(partition)}

    def commit_offsets(self, *, wait: bool = False) -> None:
        """Commit offsets to Kafka, at most once per interval; `wait` commits at once and waits."""
        self._offsets.commit(self._active, wait=wait)

    def pause_groups(self, groups: Iterable[ShardGroup]) -> None:
        """Pause the partitions of some shard groups, and resume those of all others."""
        self._pauses.pause_groups(groups)

    def reapply_pauses(self) -> None:
        """Pause the partitions of paused groups again, as a takeover may have resumed some."""
        self._pauses.reapply()

    @property
    def paused_partitions(self) -> set[Partition]:
        """Partitions that are taken over and belong to a paused group."""
        return self._pauses.paused

    def pause_blocked(self) -> None:
        """Pause blocked partitions, and take those over again whose block has timed out."""
        # Fetched again from the recorded offset: the records behind the block were skipped.
        self._queue.add(self._blocked.expire())
        if self._blocked.partitions:
            self._pauses.pause(self._blocked.partitions)

    def release_all(self) -> None:
        """Drain and release every shard, in an orderly stop."""
        self._release(set(self._assigned))

    # --- rebalance callbacks --------------------------------------------------------------

    def _on_assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        consumer.incremental_assign(list(partitions))
        consumer.pause(list(partitions))
        numbers = [Partition(p.partition) for p in partitions]
        log.info("partitions assigned", partitions=numbers)
        self._assigned.update(numbers)
        self._queue.add(numbers)

    def _on_revoke(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        numbers = {Partition(p.partition) for p in partitions}
        log.info("partitions revoked", partitions=sorted(numbers))
        self._release(numbers)
        self._forget_partitions(numbers)
        consumer.incremental_unassign(list(partitions))

    def _on_lost(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        numbers = {Partition(p.partition) for p in partitions}
        log.warning("partitions lost", partitions=sorted(numbers))
        PARTITIONS_LOST.inc(len(numbers))
        self._groups.drop_shards(self._groups.shards_on(numbers))
        self._forget_partitions(numbers)
        consumer.incremental_unassign(list(partitions))

    # --- takeover -------------------------------------------------------------------------

    def _try_takeover(self, partition: Partition) -> bool:
        """Take a partition over and fetch from its recorded offset.

        True as soon as its shards are owned, even while the seek has to wait: records fetched
        before must not be enqueued under the new ownership.
        """
        try:
            start = self._take_over_partition(partition)
        except (RetryLater, LeaseLost, KafkaException, DriverError) as error:
            self._queue.retry_failed(partition, error)
            return True  # some of its shards may be owned; the retry seeks in any case
        self._queue.done(partition)
        self._blocked.unblock([partition])
        if start is None:
            return False
        place = TopicPartition(self._topic, partition, start)
        try:
            self._consumer.seek(place)
        except KafkaException as error:
            # The partition's fetcher is still starting.
            log.debug("seek delayed", partition=partition, error=str(error))
            self._queue.add([partition], SEEK_RETRY_DELAY)
            return True
        self._active[partition] = len(self._groups.shards_on({partition}))
        self._pauses.resume_at(place)
        return True

    def _take_over_partition(self, partition: Partition) -> int | None:
        """Take over the shards of a partition; return the offset to fetch from.

        None: no shard is mapped to the partition.
        """
        partition_map = self._claims.read_map()
        if self._map is not None and self._map.version != partition_map.version:
            self._restart_under_new_map()
        self._map = partition_map
        if partition >= partition_map.partitions:
            return None
        claims = self._claims.of_partition(partition_map, partition)
        missing = [shard for shard in claims if self._groups.owned(shard) is None]
        if missing:
            rows = list(claims.values())
            possibly_sent_below = self._membership.verify(partition, partition_map, rows)
            if possibly_sent_below:
                LOST_COMMITS.inc()
            self._take_over_shards(missing, partition_map, possibly_sent_below)
            log.info("partition taken over", partition=partition, shards=missing)
        owned = [shard for n in claims if (shard := self._groups.owned(n)) is not None]
        return min((shard.recorded_offset for shard in owned), default=None)

    def _take_over_shards(
        self, shards: Sequence[Shard], partition_map: PartitionMap, possibly_sent_below: int
    ) -> None:
        for shard in shards:
            owned, settlement = self._claims.take_over(shard, partition_map)
            owned.possibly_sent_below = possibly_sent_below
            self._groups.add_shard(owned)
            SHARDS_TAKEN_OVER.inc()
            self._count_settled(shard, settlement)
        self._groups.refresh_guards(shards)

    def _count_settled(self, shard: Shard, settlement: Settlement) -> None:
        """Count and log the claims of a lost sender; those that receipts prove leave no doubt."""
        possibly_sent, unknown = len(settlement.possibly_sent), len(settlement.unknown)
        POSSIBLY_SENT_CLAIMS_LOST.inc(possibly_sent)
        UNKNOWN_CLAIMS_LOST.inc(unknown)
        if possibly_sent or unknown or settlement.sent:
            log.warning(
                "claims of a lost sender settled",
                shard=shard,
                possibly_sent=possibly_sent,
                unknown=unknown,
                sent=len(settlement.sent),
            )

    def _drop_fenced_shards(self) -> None:
        found = {shard for shard in self._groups.lost_shards if self._groups.owned(shard)}
        reported = self._groups.take_fenced()
        if found - reported:
            log.warning("shards fenced", shards=sorted(found - reported))
        fenced = reported | found
        if not fenced or self._map is None:
            return
        SHARDS_FENCED.inc(len(fenced))
        self._groups.drop_shards(fenced)
        for partition in {self._map.partition(shard) for shard in fenced} & self._assigned:
            self._pauses.pause({partition})
            self._active.pop(partition, None)
            self._queue.retry(partition)

    def _retake_for_new_shards(self) -> None:
        """Take partitions over again for shards that were added since.

        Schedulers that know the new shard count may already publish to these shards, and Kafka
        does not rebalance for them.
        """
        unowned = self._unowned_shards()
        if not unowned:
            return
        with self._groups.between_transactions(unowned):
            pass  # a shard that the running transaction finds fenced is not a new one
        self._drop_fenced_shards()
        for partition in set(self._unowned_shards().values()):
            self._pauses.pause({partition})
            del self._active[partition]
            self._queue.add([partition])

    def _unowned_shards(self) -> dict[Shard, Partition]:
        """Return existing shards that are not owned, of partitions that are taken over."""
        if self._map is None:
            return {}
        unowned = [n for n in self._groups.existing_shards if self._groups.owned(n) is None]
        partitions = {shard: self._map.partition(shard) for shard in unowned}
        return {shard: n for shard, n in partitions.items() if n in self._active}

    def _restart_under_new_map(self) -> None:
        """Release every shard, and take all partitions over under the new partition map."""
        log.info("partition map changed")
        self._release(set(self._assigned))
        self._pauses.pause(self._assigned)
        self._active.clear()
        self._queue.add(self._assigned)
        self._map = None

    # --- release --------------------------------------------------------------------------

    def _release(self, partitions: set[Partition]) -> None:
        """Drain, record, commit and drop shards (protocol rule 13, orderly stop or revoke)."""
        shards = self._groups.shards_on(partitions)
        if not shards:
            return
        timeout = self._drain_timeout if self._groups.alive else 0.0
        if not self._groups.drain(shards, timeout):
            log.warning("in-flight messages not recorded in time", shards=sorted(shards))
        self.commit_offsets(wait=True)
        self._groups.drop_shards(shards)

    def _forget_partitions(self, partitions: set[Partition]) -> None:
        self._assigned -= partitions
        self._blocked.unblock(partitions)
        self._queue.remove(partitions)
        for partition in partitions:
            self._active.pop(partition, None)
