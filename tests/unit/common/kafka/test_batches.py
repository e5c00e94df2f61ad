"""Refused records are sent again in smaller batches, and alone at last, by producers that obey."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from campaign_common.kafka.batches import LARGEST_BATCH, SINGLE, SMALLEST_BATCH, SplittingProducer

TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
FATAL = KafkaError(KafkaError._FATAL)

Report = tuple[bytes, int | None]


class FakeMessage:
    def __init__(self, value: bytes) -> None:
        self._value = value

    def topic(self) -> str:
        return "t"

    def value(self) -> bytes:
        return self._value

    def key(self) -> bytes:
        return b"k"

    def partition(self) -> int:
        return 3


class FakeProducer:
    """Takes records until a test lets it report them, or says what it raises instead."""

    def __init__(self, size: int, raises: list[Exception]) -> None:
        self.size = size
        self._raises = raises
        self.queue: list[tuple[bytes, Callable[..., None], dict[str, Any]]] = []

    def __len__(self) -> int:
        return len(self.queue)

    def produce(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        partition: int,
        *,
        on_delivery: Callable[..., None],
        **more: object,
    ) -> None:
        assert (topic, key, partition) == ("t", b"k", 3)
        if self._raises:
            raise self._raises.pop()
        self.queue.append((value, on_delivery, more))

    def poll(self, _: float) -> None:
        pass

    def report(self, error: KafkaError | None) -> None:
        queue, self.queue = self.queue, []
        for value, on_delivery, _ in queue:
            on_delivery(error, FakeMessage(value))


class Scene:
    """A splitting producer over fakes, of which a test lets the brokers refuse what it likes."""

    def __init__(self, *limits: int | None) -> None:
        self.made: list[FakeProducer] = []
        self.raises: list[Exception] = []
        self.reports: list[Report] = []
        self._limits = list(limits)
        self.producer = SplittingProducer(self._make, lambda _: self._limits.pop(0))  # type: ignore[arg-type]

    def _make(self, size: int) -> FakeProducer:
        self.made.append(FakeProducer(size, self.raises))
        return self.made[-1]

    def produce(self, value: bytes) -> None:
        def on_delivery(error: KafkaError | None, message: FakeMessage) -> None:
            self.reports.append((message.value(), error and error.code()))

        self.producer.produce("t", value, b"k", 3, on_delivery=on_delivery, headers={"h": "1"})  # type: ignore[arg-type]

    def settle(self, error: KafkaError | None) -> None:
        """Report everything, and let the producer draw its conclusions."""
        for fake in self.made:
            fake.report(error)
        self.producer.poll(0)

    def carrying(self) -> list[int]:
        """The batch sizes of the producers that have records."""
        return [fake.size for fake in self.made for _ in fake.queue]


def test_what_a_known_limit_does_not_explain_goes_alone() -> None:
    scene = Scene(2_000)
    scene.produce(b"a")
    assert scene.carrying() == [2_000]
    scene.settle(TOO_LARGE)
    assert (scene.carrying(), scene.reports, len(scene.producer)) == ([SINGLE], [], 1)
    assert scene.made[-1].queue[0][2] == {"headers": {"h": "1"}}
    scene.settle(TOO_LARGE)
    assert scene.reports == [(b"a", KafkaError.MSG_SIZE_TOO_LARGE)]
    assert len(scene.producer) == 0


def test_where_no_limit_is_known_batches_are_halved() -> None:
    scene = Scene(None)
    scene.produce(b"a")
    sizes = []
    while not scene.reports:
        sizes += scene.carrying()
        scene.settle(TOO_LARGE if scene.carrying() != [SINGLE] else None)
    halves = [LARGEST_BATCH // 2**n for n in range(6)]
    assert sizes == [*halves, SMALLEST_BATCH, SINGLE]
    assert scene.reports == [(b"a", None)]


def test_what_was_refused_together_is_halved_once() -> None:
    scene = Scene(None)
    for value in (b"a", b"b", b"c"):
        scene.produce(value)
    scene.settle(TOO_LARGE)
    assert scene.carrying() == [LARGEST_BATCH // 2] * 3


def test_other_errors_are_reported_as_they_come() -> None:
    scene = Scene(2_000)
    scene.produce(b"a")
    scene.settle(FATAL)
    assert scene.reports == [(b"a", KafkaError._FATAL)]


def test_a_full_queue_delays_what_is_sent_again() -> None:
    scene = Scene(2_000)
    scene.produce(b"a")
    scene.raises.append(BufferError())
    scene.settle(TOO_LARGE)
    assert (scene.carrying(), scene.reports, len(scene.producer)) == ([], [], 1)
    scene.settle(None)
    assert scene.carrying() == [SINGLE]


@pytest.mark.parametrize("error", [FATAL, TOO_LARGE], ids=["fatal", "too large for the client"])
def test_what_the_client_refuses_is_reported(error: KafkaError) -> None:
    scene = Scene(2_000)
    scene.produce(b"a")
    scene.raises.append(KafkaException(error))
    scene.settle(TOO_LARGE)
    assert scene.reports == [(b"a", error.code())]
    assert len(scene.producer) == 0
