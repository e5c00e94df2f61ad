"""A producer that has died is replaced, and what it had not delivered has failed."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka.producing import ReplacedProducer

REPORT = Callable[[KafkaError | None, Any], None]
REFUSAL = KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no right to a producer id", True)


class FakeProducer:
    """Raises its fatal error once, as the client does, and refuses every record from then on."""

    def __init__(self, dies_of: KafkaError | None = None) -> None:
        self._dies_of = dies_of
        self._dead = False
        self._queue: list[REPORT] = []
        self.delivered = 0

    def produce(self, topic: str, *, on_delivery: REPORT, value: bytes) -> None:
        assert (topic, value) == ("t", b"x")
        if self._dead:
            raise KafkaException(KafkaError(KafkaError._FATAL))
        self._queue.append(on_delivery)

    def poll(self, _: float) -> None:
        if self._dies_of is not None and not self._dead:
            self._dead = True
            raise KafkaException(self._dies_of)

    def purge(self) -> None:
        for report in self._queue:
            report(KafkaError(KafkaError._PURGE_QUEUE), None)
        self._queue.clear()

    def flush(self, _: float) -> int:
        self.poll(0)
        if self._dead:
            self.purge()
        self.delivered += len(self._queue)
        for report in self._queue:
            report(None, None)
        self._queue.clear()
        return 0

    def __len__(self) -> int:
        return len(self._queue)


def made(*producers: FakeProducer) -> ReplacedProducer:
    """A producer that is replaced by these, in this order."""
    waiting = iter(producers)
    return ReplacedProducer(lambda: next(waiting))  # type: ignore[arg-type,return-value]


def test_a_record_is_acknowledged() -> None:
    alive = FakeProducer()
    assert made(alive).publish("t", [{"value": b"x"}] * 3, 1.0) == 3
    assert alive.delivered == 3


def test_a_death_is_told_with_its_cause_and_replaced() -> None:
    dead, alive = FakeProducer(REFUSAL), FakeProducer()
    producer = made(dead, alive)
    with pytest.raises(KafkaUnavailable, match="no right to a producer id"):
        producer.publish("t", [{"value": b"x"}], 1.0)
    assert producer.publish("t", [{"value": b"x"}], 1.0) == 1
    assert (dead.delivered, alive.delivered) == (0, 1)


def test_a_producer_that_died_between_two_batches_is_replaced() -> None:
    dead, alive = FakeProducer(REFUSAL), FakeProducer()
    producer = made(dead, alive)
    producer.get()
    producer.poll(0)
    assert producer.get() is alive  # type: ignore[comparison-overlap]


def test_what_a_dead_producer_held_has_failed_of_its_death() -> None:
    producer = made(FakeProducer(REFUSAL), FakeProducer())
    reported: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, _: object) -> None:
        assert error is not None
        reported.append(error)

    producer.get().produce("t", on_delivery=on_delivery, value=b"x")  # type: ignore[arg-type]
    fatal = KafkaError(KafkaError._FATAL)
    assert producer.cause_of(fatal).code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED
    (purged,) = reported
    for late in (purged, fatal):  # of other batches
        assert producer.cause_of(late).code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED


def test_an_ordinary_error_replaces_nothing() -> None:
    alive = FakeProducer()
    producer = made(alive)
    producer.get()
    error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    assert producer.cause_of(error) is error
    assert producer.get() is alive  # type: ignore[comparison-overlap]
