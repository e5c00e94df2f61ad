"""The member of the consumer group, whose Kafka client is replaced after a fatal error."""

from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import Message as KafkaRecord


class GroupMember:
    """A Kafka consumer that survives its client; used by the consumer loop's thread only.

    librdkafka has a client end for good where the group cannot be gone on with, for example when
    the coordinator says that the group does not exist, which it does after it has lost its state
    (`ConsumerGroupHeartbeat fatal error`). Only a new client can join the group then.

    Each method but `renew` is that of `confluent_kafka.Consumer`, with what it raises.
    """

    def __init__(self, make: Callable[[], Consumer]) -> None:
        self._make = make
        self._consumer = make()

    def renew(self) -> None:
        """Replace the client; the new one has joined no group yet.

        Raises:
            KafkaException: no client could be made; the old one is closed, and this can be called
                again.
        """
        self.close()
        self._consumer = self._make()

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        """Join the group; the callbacks are given the client."""
        self._consumer.subscribe(topics, **callbacks)

    def consume(self, number: int, timeout: float) -> list[KafkaRecord]:
        """Fetch at most so many records within so many seconds."""
        return self._consumer.consume(number, timeout)

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """Read committed offsets."""
        return self._consumer.committed(places, timeout=timeout)

    def commit(
        self, offsets: list[TopicPartition], *, asynchronous: bool
    ) -> Sequence[TopicPartition]:
        """Commit offsets; what is returned of each place has the error, where one is waited for."""
        if asynchronous:
            self._consumer.commit(offsets=offsets, asynchronous=True)
            return ()
        return self._consumer.commit(offsets=offsets, asynchronous=False) or ()

    def get_watermark_offsets(
        self, place: TopicPartition, timeout: float
    ) -> tuple[int, int] | None:
        """Read the first offset of a partition and the one that comes next."""
        return self._consumer.get_watermark_offsets(place, timeout=timeout)

    def seek(self, place: TopicPartition) -> None:
        """Fetch from another offset."""
        self._consumer.seek(place)

    def pause(self, places: Sequence[TopicPartition]) -> None:
        """Stop fetching some partitions."""
        self._consumer.pause(list(places))

    def resume(self, places: Sequence[TopicPartition]) -> None:
        """Fetch some partitions again."""
        self._consumer.resume(list(places))
