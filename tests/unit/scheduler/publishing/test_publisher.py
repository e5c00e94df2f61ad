"""A batch is published when all of it is reported, whatever the producer does meanwhile."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from campaign_scheduler.publishing.publisher import (
    OutgoingRecord,
    Publication,
    Publisher,
    RecordsByPartition,
)


class FakeMessage:
    def __init__(self, value: bytes) -> None:
        self._value = value

    def value(self) -> bytes:
        return self._value


class FakeProducer:
    """Keeps up to `room` records until it is polled, then reports them."""

    def __init__(self, room: int, refuse: dict[bytes, int] | None = None) -> None:
        self._room = room
        self._refuse = refuse or {}
        self._queue: list[tuple[OutgoingRecord, Callable[[Any, Any], None]]] = []
        self.reported: list[bytes] = []
        self.marked: list[bytes] = []

    def produce(
        self,
        _: str,
        value: bytes,
        key: str,
        partition: int,
        *,
        on_delivery: Callable[[Any, Any], None],
        headers: dict[str, str],
    ) -> None:
        assert headers == {"traceparent": PARENT}
        if value in self._refuse:
            raise KafkaException(KafkaError(self._refuse[value]))
        if len(self._queue) >= self._room:
            raise BufferError
        assert int(value) % 2 == partition
        self._queue.append(({"value": value, "key": key}, on_delivery))
        self.marked.append(value)

    def produce_batch(
        self,
        _: str,
        messages: list[OutgoingRecord],
        partition: int,
        on_delivery: Callable[[Any, Any], None],
    ) -> int:
        assert {int(message["value"]) % 2 for message in messages} == {partition}
        taken = 0
        for message in messages:
            code = self._refuse.get(message["value"])
            if code is None and len(self._queue) >= self._room:
                code = KafkaError._QUEUE_FULL
            if code is None:
                self._queue.append((message, on_delivery))
                taken += 1
            else:
                message["_error"] = KafkaError(code)
        return taken

    def poll(self, _: float) -> None:
        for message, on_delivery in self._queue:
            self.reported.append(message["value"])
            on_delivery(None, FakeMessage(message["value"]))
        self._queue.clear()


PARENT = f"00-{'ab' * 16}-{'cd' * 8}-01"


def groups(count: int) -> RecordsByPartition:
    return {p: [{"value": b"%d" % n, "key": "k"} for n in range(p, count, 2)] for p in range(2)}


def test_a_full_queue_delays_records_and_loses_none() -> None:
    producer = FakeProducer(room=3)
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(groups(10), publication)
    publisher.poll(0)
    assert sorted(producer.reported) == [b"%d" % n for n in range(10)]
    assert publication.is_delivered


def test_a_batch_is_not_delivered_before_its_last_report() -> None:
    producer = FakeProducer(room=100)
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(groups(10), publication)
    assert not publication.is_settled
    publisher.poll(0)
    assert publication.is_settled


def test_a_record_refused_by_the_producer_fails_its_batch() -> None:
    """A record that the producer refuses fails its batch and is named."""
    producer = FakeProducer(room=100, refuse={b"4": KafkaError.MSG_SIZE_TOO_LARGE})
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(groups(10), publication)
    publisher.poll(0)
    assert publication.is_settled
    assert not publication.is_delivered
    assert publication.too_large == [b"4"]


def test_the_first_record_of_each_partition_has_the_header() -> None:
    """The first record of each partition says where all come from."""
    producer = FakeProducer(room=3)
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(groups(10), publication, PARENT)
    publisher.poll(0)
    assert producer.marked == [b"0", b"1"]
    assert producer.reported == [b"%d" % n for n in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)]
    assert publication.is_delivered


def test_one_that_is_refused_fails_its_batch_as_any_other() -> None:
    producer = FakeProducer(room=100, refuse={b"0": KafkaError.MSG_SIZE_TOO_LARGE})
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(groups(10), publication, PARENT)
    publisher.poll(0)
    assert publication.is_settled
    assert publication.too_large == [b"0"]
