"""Proof of group membership, and detection of commits lost by the database (rules 3 and 16).

The lowest recorded offset of a partition's shards is committed to Kafka after it is recorded. A
committed offset beyond the recorded offset of a shard therefore means that the database has lost
commits: messages up to that offset, and as many more as a sender may be ahead, may have been sent,
whatever the ledger says.
"""

from collections.abc import Sequence

import structlog
from confluent_kafka import KafkaException, TopicPartition

from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.shard import Partition
from campaign_common.errors import KafkaUnavailable
from campaign_common.store.shards.claims import ClaimRow, Place
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.takeover import start_under

VERIFY_TIMEOUT = 10.0
"""Seconds that the broker has to respond."""

POSSIBLY_SENT_MARK = "in doubt below"
"""Metadata of a committed offset that is the end of such a gap, not a recorded offset."""

log = structlog.get_logger()


class GroupMembership:
    """Synchronous offset commits before shards are taken over.

    `max_span`: number of offsets by which a sender may be ahead of its recorded offset.
    """

    def __init__(self, consumer: GroupMember, topic: str, max_span: int) -> None:
        self._consumer = consumer
        self._topic = topic
        self._max_span = max_span

    def verify(
        self, partition: Partition, partition_map: PartitionMap, rows: Sequence[ClaimRow]
    ) -> int:
        """Verify that this process owns a partition whose shards have these claim rows.

        The coordinator refuses a commit of a former member, so that a former owner that wakes up
        cannot fence the present one. Returns the offset below which messages without an outcome
        may have been sent, because the database has lost commits; normally 0.

        Raises:
            KafkaException: the commit was refused, or not answered.
        """
        (committed,) = self._consumer.committed(
            [TopicPartition(self._topic, partition)], timeout=VERIFY_TIMEOUT
        )
        lowest = min(start_under(partition_map, row) for row in rows)
        here = Place(partition_map.topic_id, partition, partition_map.version)
        recorded = [row.recorded_offset for row in rows if row.place == here]
        if not recorded or committed.offset <= min(recorded):
            # A later offset of another topic or partition map proves nothing.
            self._commit(TopicPartition(self._topic, partition, lowest))
            return 0
        below = self._end_of_gap(committed)
        log.error(
            "database lost commits: offset in Kafka is ahead of MySQL",
            partition=partition,
            committed=committed.offset,
            recorded=min(recorded),
            in_doubt_below=below,
        )
        # Stays in Kafka until everything below is recorded, so that the next owner knows too.
        self._commit(TopicPartition(self._topic, partition, below, metadata=POSSIBLY_SENT_MARK))
        return below

    def _end_of_gap(self, committed: TopicPartition) -> int:
        """Return the offset below which messages may have been sent; later ones were never read."""
        place = TopicPartition(self._topic, committed.partition)
        offsets = self._consumer.get_watermark_offsets(place, timeout=VERIFY_TIMEOUT)
        if offsets is None:
            raise KafkaUnavailable(f"the end of partition {committed.partition} is not known")
        ahead = 0 if committed.metadata == POSSIBLY_SENT_MARK else self._max_span
        return min(int(committed.offset) + ahead, offsets[1])

    def _commit(self, place: TopicPartition) -> None:
        for committed in self._consumer.commit([place], asynchronous=False):
            if committed.error is not None:
                raise KafkaException(committed.error)
