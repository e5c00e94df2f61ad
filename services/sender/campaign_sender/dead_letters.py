"""Dead letters: records that no sender can read go to a topic of their own, with the reason."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from campaign_common.dead_letters import dead_letter_topic
from campaign_common.errors import KafkaUnavailable

ACKNOWLEDGED_WITHIN = 10.0
"""Seconds that the broker has to acknowledge dead letters."""

log = structlog.get_logger()


class Poison(NamedTuple):
    """A record that violates the contract, and how."""

    record: Message
    reason: str


class DeadLetters:
    """Publishes poison records to `<topic>-DLQ`, unchanged, with reason and origin in headers."""

    def __init__(self, producer: Producer, topic: str) -> None:
        self._producer = producer
        self._topic = dead_letter_topic(topic)
        self.published = 0
        """How many were acknowledged, for the metrics."""

    def publish(self, poison: Sequence[Poison]) -> None:
        """Publish and wait for every acknowledgement, so that the records may be passed over.

        Raises:
            KafkaUnavailable: not all were acknowledged; publish all of them again.
        """
        failures: list[str] = []

        def on_delivery(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(str(error))

        try:
            for record, reason in poison:
                self._producer.produce(
                    self._topic,
                    value=record.value(),
                    key=record.key(),
                    headers=_headers(record, reason),
                    on_delivery=on_delivery,
                )
            unacknowledged = self._producer.flush(ACKNOWLEDGED_WITHIN)
        except (KafkaException, BufferError) as error:
            raise KafkaUnavailable(f"publishing to {self._topic}: {error}") from error
        if failures or unacknowledged:
            why = failures[0] if failures else "no acknowledgement in time"
            raise KafkaUnavailable(f"publishing to {self._topic}: {why}")
        self.published += len(poison)
        log.warning("records went to the dead letters", topic=self._topic, count=len(poison))


def _headers(record: Message, reason: str) -> list[tuple[str, str | bytes | None]]:
    return [
        ("reason", reason),
        ("origin_topic", record.topic()),
        ("origin_partition", str(record.partition())),
        ("origin_offset", str(record.offset())),
        ("origin_timestamp", str(record.timestamp()[1])),
        ("failed_at", str(int(time.time()))),
    ]
