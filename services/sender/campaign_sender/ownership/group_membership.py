"""Proving membership of the group, and what Kafka's offsets say of the database (rules 3, 16).

Kafka is given the lowest recorded offset of a partition's shards, after it is recorded. A
committed offset beyond what a shard has recorded therefore means that the database has lost
commits: messages up to there, and as many more as a sender may have been ahead, may have been
called, whatever the ledger says.
"""

from collections.abc import Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from campaign_common.errors import KafkaUnavailable
from campaign_common.partition_map import PartitionMap
from campaign_common.store.claims import ClaimRow, Place
from campaign_sender.ownership.takeover import start_under

REQUEST_TIMEOUT = 10.0
"""Seconds that the broker has for an answer."""

IN_DOUBT = "in doubt below"
"""Stands with a committed offset that is the end of such a gap, and not what was recorded."""

log = structlog.get_logger()


class Membership:
    """Commits offsets synchronously before shards are taken over.

    `spread`: by how many offsets a sender may be ahead of what it has recorded.
    """

    def __init__(self, consumer: Consumer, topic: str, spread: int) -> None:
        self._consumer = consumer
        self._topic = topic
        self._spread = spread

    def prove(self, partition: int, partition_map: PartitionMap, rows: Sequence[ClaimRow]) -> int:
        """Prove that this process owns a partition whose shards have these claim rows.

        The coordinator refuses whoever is not a member any more; without it an ex-owner that
        wakes up would fence the rightful one. Returns the offset below which messages without
        an outcome are in doubt because the database has lost commits; 0 is the usual answer.

        Raises:
            KafkaException: refused, or no answer.
        """
        (committed,) = self._consumer.committed(
            [TopicPartition(self._topic, partition)], timeout=REQUEST_TIMEOUT
        )
        lowest = min(start_under(partition_map, row) for row in rows)
        here = Place(partition_map.topic_id, partition, partition_map.version)
        recorded = [row.recorded_offset for row in rows if row.place == here]
        if not recorded or committed.offset <= min(recorded):
            # A later offset of another topic or map says nothing about this one.
            self._commit(TopicPartition(self._topic, partition, lowest))
            return 0
        below = self._end_of_doubt(committed)
        log.error(
            "the database has lost commits: Kafka knows of a later offset than MySQL",
            partition=partition,
            committed=committed.offset,
            recorded=min(recorded),
            in_doubt_below=below,
        )
        # Stands there until everything below is recorded, so that the next owner knows, too.
        self._commit(TopicPartition(self._topic, partition, below, metadata=IN_DOUBT))
        return below

    def _end_of_doubt(self, committed: TopicPartition) -> int:
        """Return how far calls may have gone: what is published later was never seen."""
        place = TopicPartition(self._topic, committed.partition)
        offsets = self._consumer.get_watermark_offsets(place, timeout=REQUEST_TIMEOUT)
        if offsets is None:
            raise KafkaUnavailable(f"the end of partition {committed.partition} is not known")
        ahead = 0 if committed.metadata == IN_DOUBT else self._spread
        return min(int(committed.offset) + ahead, offsets[1])

    def _commit(self, place: TopicPartition) -> None:
        for answer in self._consumer.commit(offsets=[place], asynchronous=False) or []:
            if answer.error is not None:
                raise KafkaException(answer.error)
