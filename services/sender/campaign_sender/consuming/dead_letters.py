"""Dead-letter queue: invalid records are published to `<topic>-DLQ`, with the reason."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message

from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka.batches import SplittingProducer
from campaign_common.kafka.dead_letters import LEFT_OUT, dead_letter_topic
from campaign_common.kafka.producing import ReplacedProducer
from campaign_sender.metrics import DEAD_LETTERS

ACKNOWLEDGED_WITHIN = 10.0
"""Seconds that the broker has to acknowledge dead letters."""

log = structlog.get_logger()


class InvalidRecord(NamedTuple):
    """Record that violates the wire format, and the reason."""

    record: Message
    reason: str


class DeadLetterPublisher:
    """Publisher of invalid records, unchanged, with reason and origin in headers.

    A record that is too large for the topic is published without key and value: the origin says
    where it lies, and the records that follow it in its partition do not wait.
    """

    def __init__(self, make_producer: Callable[[], SplittingProducer], topic: str) -> None:
        self._producer = ReplacedProducer(make_producer)
        self._topic = dead_letter_topic(topic)

    def publish(self, invalid: Sequence[InvalidRecord]) -> None:
        """Publish and wait for every acknowledgement, after which the records may be skipped.

        Raises:
            KafkaUnavailable: not all were acknowledged; publish all again.
        """
        failures = self._publish(invalid)
        if too_large := [one for one, error in failures if _is_size(error)]:
            log.warning("dead letters too large", topic=self._topic, count=len(too_large))
            failures = [failure for failure in failures if not _is_size(failure[1])]
            failures += self._publish(too_large, without_value=True)
        if failures:
            why = self._producer.cause_of(failures[0][1]).str()
            raise KafkaUnavailable(f"publishing to {self._topic}: {why}")
        DEAD_LETTERS.inc(len(invalid))
        log.warning("records dead-lettered", topic=self._topic, count=len(invalid))

    def _publish(
        self, invalid: Sequence[InvalidRecord], *, without_value: bool = False
    ) -> list[tuple[InvalidRecord, KafkaError]]:
        """Publish records; return those that were not acknowledged, with the error.

        Raises:
            KafkaUnavailable: some had no delivery report in time.
        """
        failures: list[tuple[InvalidRecord, KafkaError]] = []

        def on_delivery(one: InvalidRecord, error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append((one, error))

        producer = self._producer.get()
        try:
            for one in invalid:
                record = one.record
                headers = _headers(record, one.reason)
                if without_value:
                    headers.append((LEFT_OUT, str(len(record.value() or b""))))
                try:
                    producer.produce(
                        self._topic,
                        value=None if without_value else record.value(),
                        key=None if without_value else record.key(),
                        headers=headers,
                        on_delivery=partial(on_delivery, one),
                    )
                except KafkaException as error:
                    failures.append((one, error.args[0]))
            unacknowledged = self._producer.flush(ACKNOWLEDGED_WITHIN)
        except BufferError as error:
            raise KafkaUnavailable(f"publishing to {self._topic}: {error}") from error
        if unacknowledged:
            raise KafkaUnavailable(f"publishing to {self._topic}: no acknowledgement in time")
        return failures


def _is_size(error: KafkaError) -> bool:
    return error.code() == KafkaError.MSG_SIZE_TOO_LARGE


def _headers(record: Message, reason: str) -> list[tuple[str, str | bytes | None]]:
    return [
        ("reason", reason),
        ("origin_topic", record.topic()),
        ("origin_partition", str(record.partition())),
        ("origin_offset", str(record.offset())),
        ("origin_timestamp", str(record.timestamp()[1])),
        ("failed_at", str(int(time.time()))),
    ]
