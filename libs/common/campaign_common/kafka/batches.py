"""A producer whose batches keep within what its topics take, and that splits what is refused.

A broker refuses a batch of records as a whole where it is larger than `max.message.bytes` of the
topic. librdkafka then reports each record of it as too large; it splits nothing, as the Java client
does (KIP-126). Here the size of batches follows the topic's limit, and what is refused all the same
goes out again in smaller batches, and at last alone: only what is refused alone is reported as too
large. Records of a partition may change their order by
that, on which no rule of the protocol depends; none is lost, and none is sent twice.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

LARGEST_BATCH = 1_000_000
"""Bytes; the default limit of a topic is 1,048,588 (Kafka's documentation of
`message.max.bytes`)."""

SMALLEST_BATCH = 16_384
"""Bytes, below which records go out alone where the limit is not known."""

SINGLE = 1
"""A size of batches that no two records fit into: the first one always does (librdkafka's
documentation of `batch.size`)."""

TOPIC_LIMITS_INTERVAL = 60.0
"""Seconds between two looks at the topics' limits."""

LOOK_AGAIN = 1.0
"""Seconds between two looks while records are refused."""

NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})

OnDelivery = Callable[[KafkaError | None, Message], None]

LimitOf = Callable[[str], int | None]
"""Returns the bytes that a batch for a topic may have; None where that cannot be known now."""

_log = structlog.get_logger()


class _Report:
    """Receiver of the delivery reports of records that went out in batches of some size."""

    __slots__ = ("more", "refused", "size", "then")

    def __init__(
        self,
        refused: "list[_Refused]",
        size: int,
        then: OnDelivery | None,
        more: Mapping[str, Any] = NOTHING_MORE,
    ) -> None:
        self.refused = refused
        self.size = size
        self.then = then
        self.more = more

    def take(self, error: KafkaError | None, message: Message) -> None:
        """Take a report, and keep a record that is to go out again."""
        if error is None and self.then is not None:
            self.then(None, message)  # as nearly all are, in as few steps as there can be
        elif error is None or self.size == SINGLE or error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            self.end(error, message)
        else:
            self.refused.append(_Refused(message, self))

    def end(self, error: KafkaError | None, message: Message) -> None:
        """Pass a report on, whatever it says."""
        if self.then is not None:
            self.then(error, message)


class _Refused(NamedTuple):
    """A record of a batch that was refused, and what was to take its report."""

    message: Message
    report: _Report


class SplittingProducer:
    """Producer like librdkafka's that splits the batches which brokers refuse for their size.

    `make` makes a producer with batches of so many bytes at most. Not shared between threads.
    Reports come in the thread that calls `poll` or `flush`, which also send again.
    """

    def __init__(self, make: Callable[[int], Producer], limit_of: LimitOf) -> None:
        self._make = make
        self._limit_of = limit_of
        self._limits: dict[str, int | None] = {}
        self._looked_at = monotonic()
        self._size = LARGEST_BATCH
        self._ordinary = make(LARGEST_BATCH)
        self._alone: Producer | None = None
        self._retired: list[Producer] = []
        self._refused: list[_Refused] = []

    @property
    def batch_size(self) -> int:
        """The bytes that a batch may have now."""
        return self._size

    def __len__(self) -> int:
        """Count the records that are not reported yet."""
        return sum(map(len, self._producers)) + len(self._refused)

    def meet(self, topic: str, seconds: float) -> None:
        """Ask the brokers for a topic and its limit, so that the first record need not wait.

        Raises:
            KafkaException: no broker answered within so many seconds.
        """
        self._ordinary.list_topics(topic, timeout=seconds)
        self._follow(topic)

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: str | bytes | None = None,
        partition: int = -1,
        *,
        on_delivery: OnDelivery | None = None,
        **more: Any,  # noqa: ANN401 - headers and timestamp, as the client takes them
    ) -> None:
        """Produce one record.

        Raises:
            BufferError: the queue is full; poll, and try again.
            KafkaException: the client refuses the record.
        """
        self._follow(topic)
        report = _Report(self._refused, self._size, on_delivery, more)
        self._ordinary.produce(topic, value, key, partition, on_delivery=report.take, **more)

    def produce_batch(
        self,
        topic: str,
        messages: list[dict[str, Any]],
        partition: int,
        on_delivery: OnDelivery | None = None,
    ) -> int:
        """Produce records for one partition; returns how many the client has taken.

        A record that was not taken has the reason at `_error`. Either all have a `callback` of
        their own, or none has.
        """
        self._follow(topic)
        if messages and "callback" in messages[0]:
            for message in messages:
                self._watch(message)
        report = _Report(self._refused, self._size, on_delivery)
        return self._ordinary.produce_batch(
            topic, messages, partition=partition, on_delivery=report.take
        )

    def poll(self, seconds: float) -> None:
        """Serve reports, waiting up to `seconds` for the first; send again what was refused."""
        self._ordinary.poll(0 if self._refused else seconds)
        for producer in self._producers[1:]:
            producer.poll(0)
        self._send_again()

    def flush(self, seconds: float) -> int:
        """Wait up to `seconds` until all is reported; returns how many records are not."""
        give_up_at = monotonic() + seconds
        while True:
            for producer in self._producers:
                producer.flush(max(give_up_at - monotonic(), 0.0))
            self._send_again()
            if not len(self) or monotonic() >= give_up_at:
                return len(self)

    def purge(self) -> None:
        """Give up what is queued or on its way; `flush` reports it as not delivered."""
        for producer in self._producers:
            producer.purge()
        refused = self._refused[:]
        self._refused.clear()
        purged = KafkaError(KafkaError._PURGE_QUEUE)  # noqa: SLF001 - a constant of the client
        for one in refused:
            one.report.end(purged, one.message)

    @property
    def _producers(self) -> list[Producer]:
        return [self._ordinary, *([self._alone] if self._alone else []), *self._retired]

    def _watch(self, message: dict[str, Any]) -> None:
        callback = message["callback"]
        watched = getattr(callback, "__self__", None)
        if isinstance(watched, _Report):  # offered again after the queue was full
            callback = watched.then
        message["callback"] = _Report(self._refused, self._size, callback).take

    # -- the size of batches

    def _follow(self, topic: str) -> None:
        """Keep within the limits of all topics that are produced to."""
        if topic not in self._limits or monotonic() - self._looked_at > TOPIC_LIMITS_INTERVAL:
            self._limits.setdefault(topic, None)
            self._look()

    def _look(self) -> None:
        self._looked_at = monotonic()
        self._limits = {
            topic: self._limit_of(topic) or before for topic, before in self._limits.items()
        }
        known = [limit for limit in self._limits.values() if limit is not None]
        # Where a limit is not known, what refusals have taught stays.
        most = LARGEST_BATCH if len(known) == len(self._limits) else self._size
        self._resize(min(most, *known) if known else most)

    def _resize(self, size: int) -> None:
        if size == self._size:
            return
        _log.info("Kafka batch size changed", bytes=size, before=self._size)
        self._size = size
        self._retired.append(self._ordinary)
        self._ordinary = self._make(size)

    # -- sending again

    def _send_again(self) -> None:
        self._retired = [producer for producer in self._retired if len(producer)]
        if not self._refused:
            return
        if monotonic() - self._looked_at > LOOK_AGAIN:
            self._look()
        refused = self._refused[:]
        self._refused.clear()
        for number, one in enumerate(refused):
            try:
                self._send_smaller(one)
            except BufferError:
                self._refused += refused[number:]
                return
            except KafkaException as error:
                one.report.end(error.args[0], one.message)

    def _send_smaller(self, one: _Refused) -> None:
        """Send a record in smaller batches than it was refused in.

        Raises:
            BufferError: the queue is full.
            KafkaException: the client takes nothing more, after a fatal error (KIP-360).
        """
        message, report = one
        topic = str(message.topic())
        if report.size <= self._size and self._limits.get(topic) is None:
            self._resize(max(self._size // 2, SMALLEST_BATCH))
        if report.size > self._size:
            size, producer = self._size, self._ordinary
        else:
            size, producer = SINGLE, self._one_by_one()
        producer.produce(
            topic,
            message.value(),
            message.key(),
            -1 if (partition := message.partition()) is None else partition,
            on_delivery=_Report(self._refused, size, report.then, report.more).take,
            **report.more,  # which a delivery report does not have
        )

    def _one_by_one(self) -> Producer:
        if self._alone is None:
            self._alone = self._make(SINGLE)
        return self._alone
