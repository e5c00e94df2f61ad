"""Publishing to Kafka in batches, each of which knows when all of it has been delivered."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from campaign_common.batches import SplittingProducer
from campaign_common.producing import ReplacedProducer
from campaign_common.tracing import HEADER

Outgoing = dict[str, Any]
"""A record for Kafka: `value` bytes, `key` text, perhaps a `callback` for its report."""

Groups = dict[int, list[Outgoing]]
"""Records by their partition: the client takes a batch for one partition only."""

Poll = Callable[[float], None]

CONNECT_WAIT = 5.0
"""Seconds that the first meeting with the broker may take."""

QUEUE_FULL_WAIT = 0.05
"""Seconds to serve delivery reports for while the producer's queue is full."""


class Publication:
    """A batch of records and what has been reported of them.

    Nothing of a batch counts as published before the last of its reports has come without an
    error. `too_large` holds the values that the broker refuses for their size, each of them
    alone in its batch: publishing them again as they are would fail again.
    """

    def __init__(self, expected: int) -> None:
        self.missing = expected
        self.error: KafkaError | None = None
        self.too_large: list[bytes] = []

    @property
    def is_settled(self) -> bool:
        """Tell whether every record has been reported, as delivered or not."""
        return self.missing == 0

    @property
    def is_delivered(self) -> bool:
        """Tell whether every record has been reported as delivered."""
        return self.missing == 0 and self.error is None

    @property
    def is_too_large(self) -> bool:
        """Return whether records were refused for their size, and none for another reason."""
        return (
            bool(self.too_large)
            and self.error is not None
            and self.error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        )

    def on_report(self, error: KafkaError | None, message: Message) -> None:
        """Take one delivery report."""
        self.missing -= 1
        if error is not None:
            self.failed(error, message.value() or b"")

    def failed(self, error: KafkaError, value: bytes) -> None:
        """Note that a record was not delivered; what is worse than its size is remembered."""
        if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
            self.error = error
            return
        self.error = self.error or error
        self.too_large.append(value)


class Publisher:
    """Publishes with one producer at a time, replaced when it has died.

    Not shared between threads: the reports of a batch come in the thread that calls `poll`.
    """

    def __init__(self, make_producer: Callable[[], SplittingProducer], topic: str) -> None:
        self._producer = ReplacedProducer(make_producer)
        self._topic = topic

    def connect(self) -> None:
        """Make the producer and let it meet the broker, so that the first batch need not wait.

        A broker that does not answer now is met by the first batch.
        """
        with suppress(KafkaException):
            self._producer.get().meet(self._topic, CONNECT_WAIT)

    def publish(
        self, groups: Groups, publication: Publication, traceparent: str | None = None
    ) -> None:
        """Hand records to the producer, those of a partition in order, waiting for room.

        Records that the producer refuses are reported to `publication` as not delivered. A
        `traceparent` stands in the headers of the first record for each partition, and is meant
        for all that follow: on every one of them it would cost more than the rest of tracing.
        """
        producer, poll = self._producer.get(), self._producer.poll
        for partition, group in groups.items():
            rest = group
            if traceparent is not None:
                first, *rest = group
                marked = (partition, first, publication, traceparent)
                _produce_marked(producer, poll, self._topic, *marked)
            _produce(producer, poll, self._topic, partition, rest, publication)

    def poll(self, seconds: float) -> None:
        """Serve delivery reports, waiting up to `seconds` for the first."""
        self._producer.poll(seconds)

    def drain(self, seconds: float) -> None:
        """Wait up to `seconds` for the reports of everything published."""
        self._producer.flush(seconds)

    def abandon(self) -> None:
        """Give up what is queued, reporting it as failed; the next batch gets a new producer."""
        self._producer.abandon()

    def cause_of(self, error: KafkaError) -> KafkaError:
        """Return why a record was not delivered: what the producer has died of, where it has.

        A dead one gives up its queue here, which is reported as failed; the next batch gets a new
        producer.
        """
        return self._producer.cause_of(error)


def _produce(
    producer: SplittingProducer,
    poll: Poll,
    topic: str,
    partition: int,
    messages: list[Outgoing],
    publication: Publication,
) -> None:
    while messages:
        taken = producer.produce_batch(
            topic, messages, partition=partition, on_delivery=publication.on_report
        )
        if taken == len(messages):
            return
        messages = _refused_for_room(messages, publication)
        poll(QUEUE_FULL_WAIT)


def _produce_marked(
    producer: SplittingProducer,
    poll: Poll,
    topic: str,
    partition: int,
    message: Outgoing,
    publication: Publication,
    traceparent: str,
) -> None:
    """Produce one record with a header, which a batch cannot carry."""
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
            publication.missing -= 1
            publication.failed(error.args[0], message["value"])
            return
        else:
            return


def _refused_for_room(messages: list[Outgoing], publication: Publication) -> list[Outgoing]:
    again = []
    for message in messages:
        error = message.pop("_error", None)
        if error is None:
            continue
        if error.code() == KafkaError._QUEUE_FULL:  # noqa: SLF001 - a constant of the client
            again.append(message)
        else:
            publication.missing -= 1
            publication.failed(error, message["value"])
    return again
