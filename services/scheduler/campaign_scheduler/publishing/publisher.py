"""Publisher of batches of records, with the state of their delivery reports."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from campaign_common.kafka.batches import SplittingProducer
from campaign_common.kafka.producing import ReplacedProducer
from campaign_common.tracing import HEADER

OutgoingRecord = dict[str, Any]
"""A record for Kafka: `value` bytes, `key` text, perhaps a `callback` for its report."""

RecordsByPartition = dict[int, list[OutgoingRecord]]
"""Records by their partition: the client takes a batch for one partition only."""

Poll = Callable[[float], None]

CONNECT_WAIT = 5.0
"""Seconds that the first connection to the broker may take."""

QUEUE_FULL_WAIT = 0.05
"""Seconds to serve delivery reports before a full queue is tried again."""


class Publication:
    """The delivery reports of one batch of records.

    A batch is published once the broker has confirmed every record of it. `too_large` holds the
    values that the broker refused for their size; unchanged they would be refused again.
    """

    def __init__(self, expected: int) -> None:
        self.unreported = expected
        self.error: KafkaError | None = None
        self.too_large: list[bytes] = []

    @property
    def is_settled(self) -> bool:
        """Return whether every record has been reported, as delivered or as failed."""
        return self.unreported == 0

    @property
    def is_delivered(self) -> bool:
        """Return whether every record has been reported as delivered."""
        return self.unreported == 0 and self.error is None

    @property
    def is_too_large(self) -> bool:
        """Return whether records were refused for their size, and none for another reason."""
        return (
            bool(self.too_large)
            and self.error is not None
            and self.error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        )

    def on_report(self, error: KafkaError | None, message: Message) -> None:
        """Handle one delivery report."""
        self.unreported -= 1
        if error is not None:
            self.record_failure(error, message.value() or b"")

    def record_failure(self, error: KafkaError, value: bytes) -> None:
        """Note that a record was not delivered; other errors take precedence over its size."""
        if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            self.error = error
            return
        self.error = self.error or error
        self.too_large.append(value)


class Publisher:
    """Publisher of batches with one producer, which is replaced after a fatal error.

    Not thread-safe: delivery reports are handled in the thread that calls `poll`.
    """

    def __init__(self, make_producer: Callable[[], SplittingProducer], topic: str) -> None:
        self._producer = ReplacedProducer(make_producer)
        self._topic = topic

    def connect(self) -> None:
        """Create the producer and connect it, so that the first batch need not wait.

        If the broker does not answer, the first batch connects.
        """
        with suppress(KafkaException):
            self._producer.get().meet(self._topic, CONNECT_WAIT)

    def publish(
        self, groups: RecordsByPartition, publication: Publication, traceparent: str | None = None
    ) -> None:
        """Queue records, those of a partition in order, and wait while the queue is full.

        Records that the producer refuses are reported to `publication` as failed. A
        `traceparent` is set in the headers of the first record for each partition only, and holds
        for the records after it: on every record it would cost more than the rest of tracing.
        """
        producer, poll = self._producer.get(), self._producer.poll
        for partition, group in groups.items():
            rest = group
            if traceparent is not None:
                first, *rest = group
                traced = (partition, first, publication, traceparent)
                _produce_traced(producer, poll, self._topic, *traced)
            _produce(producer, poll, self._topic, partition, rest, publication)

    def poll(self, seconds: float) -> None:
        """Serve delivery reports, waiting up to `seconds` for the first."""
        self._producer.poll(seconds)

    def drain(self, seconds: float) -> None:
        """Wait up to `seconds` for the delivery reports of everything published."""
        self._producer.flush(seconds)

    def abandon(self) -> None:
        """Drop the queue, reporting it as failed; the next batch gets a new producer."""
        self._producer.abandon()

    def cause_of(self, error: KafkaError) -> KafkaError:
        """Return the reason for a failed delivery: the producer's fatal error if it has one.

        After a fatal error the queue is dropped, its records are reported as failed, and the next
        batch gets a new producer.
        """
        return self._producer.cause_of(error)


def _produce(
    producer: SplittingProducer,
    poll: Poll,
    topic: str,
    partition: int,
    messages: list[OutgoingRecord],
    publication: Publication,
) -> None:
    while messages:
        taken = producer.produce_batch(
            topic, messages, partition=partition, on_delivery=publication.on_report
        )
        if taken == len(messages):
            return
        messages = _take_queue_full(messages, publication)
        poll(QUEUE_FULL_WAIT)


def _produce_traced(
    producer: SplittingProducer,
    poll: Poll,
    topic: str,
    partition: int,
    message: OutgoingRecord,
    publication: Publication,
    traceparent: str,
) -> None:
    """Produce one record with a header; the client has no headers in batches."""
    while True:
        try:
            producer.produce(
                topic,
                message["value"],
                message["key"],
                partition,
                on_delivery=message.get("callback", publication.on_report),
                headers={HEADER: traceparent},
            )
        except BufferError:
            poll(QUEUE_FULL_WAIT)
        except KafkaException as error:
            publication.unreported -= 1
            publication.record_failure(error.args[0], message["value"])
            return
        else:
            return


def _take_queue_full(
    messages: list[OutgoingRecord], publication: Publication
) -> list[OutgoingRecord]:
    """Return the records that did not fit into the queue; report the others as failed."""
    again = []
    for message in messages:
        error = message.pop("_error", None)
        if error is None:
            continue
        if error.code() == KafkaError._QUEUE_FULL:  # noqa: SLF001 - a constant of the client
            again.append(message)
        else:
            publication.unreported -= 1
            publication.record_failure(error, message["value"])
    return again
