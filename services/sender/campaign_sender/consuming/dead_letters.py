"""Dead letters: records that no sender can read go to a topic of their own, with the reason."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message

from campaign_common.batches import SplittingProducer
from campaign_common.dead_letters import LEFT_OUT, dead_letter_topic
from campaign_common.errors import KafkaUnavailable
from campaign_common.producing import ReplacedProducer

ACKNOWLEDGED_WITHIN = 10.0
"""Seconds that the broker has to acknowledge dead letters."""

log = structlog.get_logger()


class Poison(NamedTuple):
    """A record that violates the contract, and how."""

    record: Message
    reason: str


class DeadLetters:
    """Publishes poison records to `<topic>-DLQ`, unchanged, with reason and origin in headers.

    One that is too large for that topic goes there without key and value: its origin says where
    it lies, and what follows it in its partition does not wait.
    """

    def __init__(self, make_producer: Callable[[], SplittingProducer], topic: str) -> None:
        self._producer = ReplacedProducer(make_producer)
        self._topic = dead_letter_topic(topic)
        self.published = 0
        """How many were acknowledged, for the metrics."""

    def publish(self, poison: Sequence[Poison]) -> None:
        """Publish and wait for every acknowledgement, so that the records may be passed over.

        Raises:
            KafkaUnavailable: not all were acknowledged; publish all of them again.
        """
        failures = self._published(poison)
        if too_large := [one for one, error in failures if _is_size(error)]:
            log.warning("dead letters are too large", topic=self._topic, count=len(too_large))
            failures = [failure for failure in failures if not _is_size(failure[1])]
            failures += self._published(too_large, without_value=True)
        if failures:
            why = self._producer.cause_of(failures[0][1]).str()
            raise KafkaUnavailable(f"publishing to {self._topic}: {why}")
        self.published += len(poison)
        log.warning("records went to the dead letters", topic=self._topic, count=len(poison))

    def _published(
        self, poison: Sequence[Poison], *, without_value: bool = False
    ) -> list[tuple[Poison, KafkaError]]:
        """Publish letters, and return those that were not acknowledged, with the reason.

        Raises:
            KafkaUnavailable: some were not reported in time.
        """
        failures: list[tuple[Poison, KafkaError]] = []

        def on_delivery(one: Poison, error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append((one, error))

        producer = self._producer.get()
        try:
            for one in poison:
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
