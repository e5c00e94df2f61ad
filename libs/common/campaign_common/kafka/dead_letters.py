"""Dead letters: records that no sender could read, kept with the reason, and publishing them again.

They lie in `<topic>-DLQ`. A group of its own remembers in Kafka up to where they were replayed.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from campaign_common.domain.message_record import decode
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.errors import (
    KafkaUnavailable,
    PublishingHeld,
    RecordInvalid,
    RecordTooNew,
)
from campaign_common.kafka import clients, topics
from campaign_common.kafka.producing import ReplacedProducer
from campaign_common.settings import Settings

Headers = list[tuple[str, str | bytes | None]]

Origin = tuple[int, int, int]
"""Partition, offset and timestamp of a record."""

LEFT_OUT = "left_out_bytes"
"""The header of a letter that its topic took only without its value: how long that was."""

READ_TIMEOUT = 10.0
"""Seconds to wait for a record that is known to be there, and for an acknowledgement."""


def dead_letter_topic(topic: str) -> str:
    """Name the topic that holds the dead letters of `topic`."""
    return f"{topic}-DLQ"


def dead_letter_group(group: str) -> str:
    """Name the group that remembers what was replayed, beside the group of the senders."""
    return f"{group}-dead-letters"


@dataclass(frozen=True)
class DeadLetter:
    """One record that could not be read, and where it came from."""

    partition: int
    offset: int
    reason: str
    origin_partition: int
    origin_offset: int
    origin_timestamp: int | None
    """Milliseconds since 1970; None where the sender, of version 0.1.0, did not say."""
    failed_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    """Milliseconds since 1970; Kafka's retention counts from it."""

    @property
    def origin(self) -> Origin | None:
        """The identity of the record, also across a topic created again; None if unknown."""
        if self.origin_timestamp is None:
            return None
        return self.origin_partition, self.origin_offset, self.origin_timestamp

    @property
    def is_left_out(self) -> bool:
        """Return whether its value was too large for the topic: there is nothing to replay."""
        return any(name == LEFT_OUT for name, _ in self.headers)


class DeadLetterBox:
    """The dead letters of one topic.

    A sender that is lost, or that hands a partition over, may leave a record to its successor
    that it has put away already. Such copies lie in the topic and are no letters of their own.
    """

    def __init__(self, topic: str, admin: AdminClient, consumer: Consumer) -> None:
        self._topic = topic
        self._box = dead_letter_topic(topic)
        self._admin = admin
        self._consumer = consumer

    def letters(self, *, replayed_too: bool = False) -> Iterator[DeadLetter]:
        """Read the letters that were not replayed yet, or all that Kafka still holds.

        Raises:
            TopicMissing: no sender has made the topic yet.
            KafkaUnavailable: the broker did not answer.
        """
        numbers = range(topics.describe(self._admin, self._box).partitions)
        ends = topics.log_ends(self._admin, self._box, numbers)
        starts = topics.log_starts(self._admin, self._box, numbers)
        seen: set[Origin] = set()
        for number in numbers:
            start = TopicPartition(self._box, number, starts[number])
            first = 0 if replayed_too else self._replayed_to(number)
            if max(start.offset, first) < ends[number]:
                yield from self._distinct(start, ends[number], first, seen)

    def replay(self, producer: ReplacedProducer, partition_map: PartitionMap) -> int:
        """Publish the letters that were not replayed yet again, as they are; returns how many.

        Each goes where its shard is carried now, or to its old partition where it still cannot
        be read. It is remembered as replayed once the broker has acknowledged it. A letter whose
        value was left out is passed over.

        Raises:
            PublishingHeld: the partition map is being changed.
            TopicMissing, KafkaUnavailable: as for `letters`; replaying again goes on from there.
        """
        if not partition_map.is_active:
            raise PublishingHeld(f"the partition map of topic {self._topic} is draining")
        count = 0
        for letter in self.letters():
            if letter.is_left_out:
                continue
            record = {
                "value": letter.value,
                "key": letter.key,
                "partition": _partition_of(letter, partition_map),
            }
            try:
                producer.publish(self._topic, [record], READ_TIMEOUT)
            except KafkaUnavailable as error:
                raise KafkaUnavailable(
                    f"{count} replayed, the next one was not: {error}"
                ) from error
            place = TopicPartition(self._box, letter.partition, letter.offset + 1)
            self._consumer.commit(offsets=[place], asynchronous=False)
            count += 1
        return count

    def remove(self, is_unwanted: Callable[[DeadLetter], bool], producer: ReplacedProducer) -> int:
        """Delete letters; returns how many.

        Kafka deletes from the beginning only, so all letters that wait for a replay are put at
        the end first, with their age, and those replayed already go with all copies of them.
        After a crash some may be there twice: copies, like any others.

        Raises:
            TopicMissing, KafkaUnavailable: as for `letters`; nothing wanted is lost.
        """
        numbers = range(topics.describe(self._admin, self._box).partitions)
        ends = topics.log_ends(self._admin, self._box, numbers)
        starts = topics.log_starts(self._admin, self._box, numbers)
        seen: set[Origin] = set()
        return sum(
            self._remove_from(
                TopicPartition(self._box, n, starts[n]), ends[n], is_unwanted, producer, seen
            )
            for n in numbers
        )

    def _remove_from(
        self,
        start: TopicPartition,
        end: int,
        is_unwanted: Callable[[DeadLetter], bool],
        producer: ReplacedProducer,
        seen: set[Origin],
    ) -> int:
        unwanted = sum(is_unwanted(letter) for letter in self._read(start, end))
        if unwanted:
            waiting = self._distinct(start, end, self._replayed_to(start.partition), seen)
            self._put_at_end((letter for letter in waiting if not is_unwanted(letter)), producer)
            topics.delete_before(self._admin, self._box, start.partition, end)
        return unwanted

    def _put_at_end(self, letters: Iterable[DeadLetter], producer: ReplacedProducer) -> None:
        records = (
            {
                "value": letter.value,
                "key": letter.key,
                "partition": letter.partition,
                "headers": letter.headers,
                "timestamp": letter.timestamp,
            }
            for letter in letters
        )
        producer.publish(self._box, records, READ_TIMEOUT)

    def _replayed_to(self, partition: int) -> int:
        try:
            (place,) = self._consumer.committed(
                [TopicPartition(self._box, partition)], timeout=READ_TIMEOUT
            )
        except KafkaException as error:
            raise KafkaUnavailable(f"reading what was replayed of {self._box}: {error}") from error
        return max(int(place.offset), 0)

    def _distinct(
        self, start: TopicPartition, end: int, first: int, seen: set[Origin]
    ) -> Iterator[DeadLetter]:
        """Read letters from offset `first` on, without copies of any that was `seen`."""
        for letter in self._read(start, end):
            if letter.origin in seen:
                continue
            if letter.origin is not None:
                seen.add(letter.origin)
            if letter.offset >= first:
                yield letter

    def _read(self, start: TopicPartition, end: int) -> Iterator[DeadLetter]:
        self._consumer.assign([start])
        position = start.offset
        while position < end:
            record = self._consumer.poll(READ_TIMEOUT)
            if record is None:
                raise KafkaUnavailable(f"{self._box} could not be read to its end")
            error = record.error()
            if error is not None:
                raise KafkaUnavailable(f"reading {self._box}: {error.str()}")
            letter = _letter_of(record)
            position = letter.offset + 1
            yield letter


@contextmanager
def opened_box(settings: Settings) -> Iterator[DeadLetterBox]:
    """Open the box for the time of the block."""
    consumer = clients.reader(settings, dead_letter_group(settings.send_client.group))
    try:
        yield DeadLetterBox(settings.sync_client.topic, clients.admin(settings), consumer)
    finally:
        consumer.close()


def _letter_of(record: Message) -> DeadLetter:
    pairs = cast("Headers", record.headers() or [])
    headers = {name: _text(value) for name, value in pairs}
    return DeadLetter(
        partition=int(record.partition() or 0),
        offset=int(record.offset() or 0),
        reason=headers.get("reason", ""),
        origin_partition=int(headers.get("origin_partition") or 0),
        origin_offset=int(headers.get("origin_offset") or 0),
        origin_timestamp=_number(headers.get("origin_timestamp")),
        failed_at=datetime.fromtimestamp(int(headers.get("failed_at") or 0), UTC),
        key=_bytes(record.key()),
        value=_bytes(record.value()),
        headers=pairs,
        timestamp=record.timestamp()[1],
    )


def _partition_of(letter: DeadLetter, partition_map: PartitionMap) -> int:
    try:
        return partition_map.partition(decode(letter.value).shard)
    except (RecordInvalid, RecordTooNew):
        return letter.origin_partition % partition_map.partitions


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
