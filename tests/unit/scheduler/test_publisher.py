"""A batch is published when all of it is reported, whatever the producer does meanwhile."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError

from campaign_scheduler.publisher import Outgoing, Publication, Publisher


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
        self._queue: list[tuple[Outgoing, Callable[[Any, Any], None]]] = []
        self.reported: list[bytes] = []

    def produce_batch(
        self,
        _: str,
        messages: list[Outgoing],
        partition: int,
        on_delivery: Callable[[Any, Any], None],
    ) -> int:
        assert {message["partition"] for message in messages} == {partition}
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


def messages(count: int) -> list[Outgoing]:
    return [{"value": b"%d" % n, "key": "k", "partition": n % 2} for n in range(count)]


def test_a_full_queue_delays_records_and_loses_none() -> None:
    producer = FakeProducer(room=3)
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(messages(10), publication)
    publisher.poll(0)
    assert sorted(producer.reported) == [b"%d" % n for n in range(10)]
    assert publication.is_delivered


def test_a_batch_is_not_delivered_before_its_last_report() -> None:
    producer = FakeProducer(room=100)
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(messages(10), publication)
    assert not publication.is_settled
    publisher.poll(0)
    assert publication.is_settled


def test_a_record_that_the_producer_refuses_fails_its_batch_and_is_named() -> None:
    producer = FakeProducer(room=100, refuse={b"4": KafkaError.MSG_SIZE_TOO_LARGE})
    publisher, publication = Publisher(lambda: producer, "t"), Publication(10)  # type: ignore[arg-type,return-value]
    publisher.publish(messages(10), publication)
    publisher.poll(0)
    assert publication.is_settled
    assert not publication.is_delivered
    assert publication.too_large == [b"4"]
