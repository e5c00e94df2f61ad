"""Ownership: which partitions Kafka assigned, and which shards this process has taken over.

Kafka's assignment alone allows nothing: a shard is worked for only between its take-over in
MySQL and its release, loss or fencing (protocol rules 3, 4 and 13). All methods are called
by the loop's thread; the rebalance callbacks run inside its poll.
"""

import random
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pymysql.err import Error as DriverError

from campaign_common.errors import LeaseLost, RetryLater
from campaign_common.partition_map import PartitionMap
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.ownership.blocked_partitions import NewerRecords
from campaign_sender.ownership.group_membership import Membership
from campaign_sender.ownership.shard_groups import ShardGroups

RETRY_AFTER = 1.0
"""Seconds, plus up to as many again, before a take-over that failed is tried again."""

SEEK_AGAIN_AFTER = 0.05
"""Seconds until a partition whose fetcher was not ready is sought again."""

COMMIT_INTERVAL = 1.0
"""Seconds between two commits of offsets to Kafka, which only its lag display depends on."""

log = structlog.get_logger()


class Ownership:
    """Follows the group's rebalances with take-overs and releases of shards."""

    def __init__(
        self,
        consumer: Consumer,
        groups: ShardGroups,
        *,
        topic: str,
        owner_name: str,
        drain_timeout: float,
        newer: NewerRecords,
    ) -> None:
        self._consumer = consumer
        self._groups = groups
        self._buffers = groups.buffers
        self._topic = topic
        self._owner_name = owner_name
        self._drain_timeout = drain_timeout
        self._newer = newer
        self._membership = Membership(consumer, topic, self._buffers.max_span)
        self._map: PartitionMap | None = None
        self._assigned: set[int] = set()
        self._taken: dict[int, int] = {}
        """Partition -> how many shards it carries: Kafka learns nothing while one is missing."""
        self._to_take: dict[int, float] = {}
        """Partition -> monotonic time before which its take-over is not tried."""
        self._waits_for: dict[int, str] = {}
        """Partition -> the error that the log has told of, while its take-over fails."""
        self._paused_groups: frozenset[int] = frozenset()
        """Places of servers of whose shards nothing is fetched for now."""
        self._committed_at = 0.0
        self.taken_over = self.fenced = self.partitions_lost = self.commits_lost = 0
        """For the metrics: shards, shards, partitions, and partitions by rule 16."""
        self.claims_lost = {"suspect": 0, "unknown": 0}
        """For the metrics: messages that lost senders had claimed, by how they were settled."""

    def subscribe(self) -> None:
        """Join the group."""
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def follow(self) -> set[int]:
        """Take over what is due, after assignments, fences and changes of the map.

        Returns the partitions that are fetched from another offset now: what was fetched of
        them before comes again.
        """
        self._notice_fences()
        self._notice_new_shards()
        if self._map is not None and self._groups.map_version > self._map.version:
            self._start_over()
        due = [p for p, not_before in self._to_take.items() if time.monotonic() >= not_before]
        return {partition for partition in sorted(due) if self._try_taking(partition)}

    def commit_offsets(self, *, wait: bool = False) -> None:
        """Give Kafka the lowest recorded offset of each partition, now and then or waiting."""
        now = time.monotonic()
        if not wait and now - self._committed_at < COMMIT_INTERVAL:
            return
        self._committed_at = now
        offsets = self._offsets_to_commit()
        if not offsets:
            return
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            # Nothing depends on it: the recorded offsets in MySQL are the truth.
            log.warning("offsets were not committed to Kafka", error=str(error))

    def pause_groups(self, groups: Collection[int]) -> None:
        """Fetch nothing of the shards on servers at these places, and of all others again.

        The loop goes on polling, so that the group keeps this member. A partition with shards
        of several servers waits for the slowest of them.
        """
        if self._paused_groups == groups:
            return
        before = self.paused_partitions
        self._paused_groups = frozenset(groups)
        self.reapply_pauses()
        again = before - self.paused_partitions - set(self._newer.partitions)
        self._consumer.resume([TopicPartition(self._topic, partition) for partition in again])

    def reapply_pauses(self) -> None:
        """Pause what is shut, also where a take-over has just begun to fetch."""
        self._pause(self.paused_partitions)

    @property
    def paused_partitions(self) -> set[int]:
        """The partitions that are taken over and of which nothing is fetched for now."""
        if not self._paused_groups:
            return set()
        return {
            owned.place.partition
            for owned in self._buffers.shards()
            if self._groups.index_of(owned.shard) in self._paused_groups
        } & self._taken.keys()

    def hold_back(self) -> None:
        """Fetch nothing more from partitions that wait for a newer sender; at last, again."""
        for partition in self._newer.give_up():
            # Taken in anew from where it is recorded: what followed the record was left.
            self._to_take[partition] = 0.0
        if self._newer.partitions:
            self._pause(set(self._newer.partitions))

    def release_all(self) -> None:
        """Drain and release every shard, in an orderly stop."""
        self._release(set(self._assigned))

    # --- rebalance callbacks --------------------------------------------------------------

    def _on_assign(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        consumer.incremental_assign(list(partitions))
        consumer.pause(list(partitions))
        numbers = [p.partition for p in partitions]
        log.info("partitions assigned", partitions=numbers)
        self._assigned.update(numbers)
        self._to_take.update(dict.fromkeys(numbers, 0.0))

    def _on_revoke(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        numbers = {p.partition for p in partitions}
        log.info("partitions revoked", partitions=sorted(numbers))
        self._release(numbers)
        self._forget(numbers)
        consumer.incremental_unassign(list(partitions))

    def _on_lost(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        numbers = {p.partition for p in partitions}
        log.warning("partitions lost", partitions=sorted(numbers))
        self.partitions_lost += len(numbers)
        self._drop({owned.shard for owned in self._owned_on(numbers)})
        self._forget(numbers)
        consumer.incremental_unassign(list(partitions))

    # --- take-over ------------------------------------------------------------------------

    def _try_taking(self, partition: int) -> bool:
        """Take a partition over and fetch from where it is recorded.

        True as soon as its shards are taken, also while the seek has to wait: what was fetched
        before must not be taken in under the new ownership.
        """
        try:
            start = self._take(partition)
        except (RetryLater, LeaseLost, KafkaException, DriverError) as error:
            if self._waits_for.get(partition) != str(error):
                self._waits_for[partition] = str(error)
                log.warning("taking over waits", partition=partition, error=str(error))
            self._postpone(partition)
            return True  # some of its shards may be taken; it is sought again in any case
        self._to_take.pop(partition, None)
        self._waits_for.pop(partition, None)
        self._newer.forget([partition])
        if start is None:
            return False
        place = TopicPartition(self._topic, partition, start)
        try:
            self._consumer.seek(place)
        except KafkaException as error:
            # The partition's fetcher is still being set up.
            log.debug("seeking waits", partition=partition, error=str(error))
            self._to_take[partition] = time.monotonic() + SEEK_AGAIN_AFTER
            return True
        self._taken[partition] = sum(
            owned.place.partition == partition for owned in self._buffers.shards()
        )
        if partition not in self.paused_partitions:
            self._consumer.resume([place])
        return True

    def _take(self, partition: int) -> int | None:
        """Take over the shards of a partition; return the offset to fetch from.

        None: the partition carries no shard.
        """
        partition_map = self._groups.read_map(self._topic)
        if partition_map is None:
            raise LeaseLost("the topic has no partition map yet; campaign-topics create makes it")
        if self._map is not None and self._map.version != partition_map.version:
            self._start_over()
        self._map = partition_map
        if partition >= partition_map.partitions:
            return None
        claims = self._groups.read_claims(partition_map, partition)
        missing = [shard for shard in claims if self._buffers.owned(shard) is None]
        if missing:
            rows = list(claims.values())
            possibly_sent_below = self._membership.prove(partition, partition_map, rows)
            self.commits_lost += possibly_sent_below > 0
            self._take_shards(missing, partition_map, possibly_sent_below)
            log.info("partition taken over", partition=partition, shards=missing)
        owned = [shard for n in claims if (shard := self._buffers.owned(n)) is not None]
        return min((shard.recorded_offset for shard in owned), default=None)

    def _take_shards(
        self, shards: Sequence[int], partition_map: PartitionMap, possibly_sent_below: int
    ) -> None:
        for shard in shards:
            owned, settlement = self._groups.take_over(
                shard,
                partition_map,
                owner_token=secrets.token_bytes(16),
                owner_name=self._owner_name,
            )
            owned.possibly_sent_below = possibly_sent_below
            with self._groups.between_transactions([shard]):
                self._groups.of_shard(shard).buffer.add_shard(owned)
            self.taken_over += 1
            self._observe(shard, len(settlement.suspects), len(settlement.unknown))
        self._groups.refresh_guards(shards)

    def _observe(self, shard: int, suspects: int, unknown: int) -> None:
        """Count and log what a lost sender had left open, where it had."""
        self.claims_lost["suspect"] += suspects
        self.claims_lost["unknown"] += unknown
        if suspects or unknown:
            log.warning(
                "claims of a lost sender settled", shard=shard, suspects=suspects, unknown=unknown
            )

    def _postpone(self, partition: int) -> None:
        jitter = random.random()  # noqa: S311 - spreads retries, protects nothing
        self._to_take[partition] = time.monotonic() + RETRY_AFTER * (1 + jitter)

    def _notice_fences(self) -> None:
        seen = {shard for shard in self._groups.lost_shards if self._buffers.owned(shard)}
        told = self._groups.take_fenced()
        if seen - told:
            log.warning("shards were taken over by another sender", shards=sorted(seen - told))
        fenced = told | seen
        if not fenced or self._map is None:
            return
        self.fenced += len(fenced)
        self._drop(fenced)
        for partition in {self._map.partition(shard) for shard in fenced} & self._assigned:
            self._pause({partition})
            self._taken.pop(partition, None)
            self._postpone(partition)

    def _notice_new_shards(self) -> None:
        """Have partitions taken again that carry shards made since: their number was raised.

        Whoever goes by the new number may publish for them already, and nobody else will come:
        the group sees nothing of it.
        """
        lacking = self._lacking()
        if not lacking:
            return
        with self._groups.between_transactions(lacking):
            pass  # what the transaction under way finds lost is no new shard
        self._notice_fences()
        for partition in set(self._lacking().values()):
            self._pause({partition})
            del self._taken[partition]
            self._to_take[partition] = 0.0

    def _lacking(self) -> dict[int, int]:
        """Find shards that exist and are not owned, on partitions that are taken over."""
        if self._map is None:
            return {}
        unowned = [n for n in self._groups.existing_shards if self._buffers.owned(n) is None]
        partitions = {shard: self._map.partition(shard) for shard in unowned}
        return {shard: n for shard, n in partitions.items() if n in self._taken}

    def _start_over(self) -> None:
        """Give every shard back, and take all partitions over under the map that is now true."""
        log.info("the partition map changed")
        self._release(set(self._assigned))
        self._pause(self._assigned)
        self._taken.clear()
        self._to_take.update(dict.fromkeys(self._assigned, 0.0))
        self._map = None

    # --- release --------------------------------------------------------------------------

    def _release(self, partitions: set[int]) -> None:
        """Start nothing more, wait for what is in flight, record, commit, forget (rule 13)."""
        shards = {owned.shard for owned in self._owned_on(partitions)}
        if not shards:
            return
        timeout = self._drain_timeout if self._groups.alive else 0.0
        if not self._buffers.drain(shards, timeout):
            log.warning("not everything in flight was recorded in time", shards=sorted(shards))
        self.commit_offsets(wait=True)
        self._drop(shards)

    def _drop(self, shards: Iterable[int]) -> None:
        dropped = [owned for shard in shards if (owned := self._buffers.owned(shard)) is not None]
        with self._groups.between_transactions(owned.shard for owned in dropped):
            for owned in dropped:
                self._groups.of_shard(owned.shard).buffer.drop_shard(owned)

    def _forget(self, partitions: set[int]) -> None:
        self._assigned -= partitions
        self._newer.forget(partitions)
        for partition in partitions:
            self._taken.pop(partition, None)
            self._to_take.pop(partition, None)

    def _owned_on(self, partitions: set[int]) -> list[OwnedShard]:
        return [owned for owned in self._buffers.shards() if owned.place.partition in partitions]

    def _pause(self, partitions: set[int]) -> None:
        self._consumer.pause([TopicPartition(self._topic, p) for p in partitions])

    def _offsets_to_commit(self) -> list[TopicPartition]:
        """List the lowest recorded offsets, of partitions that this process can speak for."""
        recorded: dict[int, list[int]] = defaultdict(list)
        silent: set[int] = set()
        for owned in self._buffers.shards():
            partition = owned.place.partition
            recorded[partition].append(owned.recorded_offset)
            if owned.recorded_offset < owned.possibly_sent_below:
                silent.add(partition)  # what stands in Kafka says how far the doubt goes
        return [
            TopicPartition(self._topic, partition, min(offsets))
            for partition, offsets in recorded.items()
            if partition not in silent and len(offsets) == self._taken.get(partition)
        ]
