"""Check of the sizes that topic and dead letters take."""

from collections.abc import Iterator

from confluent_kafka.admin import AdminClient

from campaign_admin.doctor.finding import Finding, unknown, unless, warning
from campaign_common.domain.message_record import LARGEST_RECORD
from campaign_common.errors import KafkaUnavailable, TopicMissing
from campaign_common.kafka import topics
from campaign_common.kafka.batches import LARGEST_BATCH
from campaign_common.kafka.dead_letters import dead_letter_topic

FRAMING = 200
"""Bytes, at most, that Kafka adds to a record of ours that is alone in its batch."""

CHECK = "sizes"


def check_sizes(admin: AdminClient, topic: str) -> list[Finding]:
    """Compare `max.message.bytes` of the topics with what is published to them.

    Raises:
        TopicMissing: the topic does not exist.
    """
    try:
        limit = topics.largest_batch(admin, topic)
        letters = topics.largest_batch(admin, dead_letter_topic(topic))
    except KafkaUnavailable as error:
        return [unknown(CHECK, str(error))]
    except TopicMissing:
        letters = limit  # no sender has made it yet
    return judge_sizes(topic, limit, letters)


def judge_sizes(topic: str, limit: int, letters: int) -> list[Finding]:
    """Judge the limits of the topic and of its dead letters, in bytes."""
    message = f"every message fits, in batches of {min(limit, LARGEST_BATCH):,} bytes at most"
    return unless(CHECK, _too_small(topic, limit, letters), message)


def _too_small(topic: str, limit: int, letters: int) -> Iterator[Finding]:
    needed = LARGEST_RECORD + FRAMING
    if limit < needed:
        yield warning(
            CHECK,
            f"the topic takes {limit:,} bytes at most: a message whose record is larger fails,"
            f" though up to {LARGEST_RECORD:,} bytes are sent elsewhere",
            _raised(topic, max(needed, LARGEST_BATCH)),
        )
    if letters < limit:
        yield warning(
            CHECK,
            f"{dead_letter_topic(topic)} takes {letters:,} bytes at most, {topic} {limit:,}: of a"
            " larger dead letter only its origin is kept",
            _raised(dead_letter_topic(topic), limit),
        )


def _raised(topic: str, limit: int) -> str:
    return f"kafka-configs.sh --alter --topic {topic} --add-config max.message.bytes={limit}"
