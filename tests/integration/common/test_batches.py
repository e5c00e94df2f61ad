"""Batches on a real broker whose topic takes only small ones."""

from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from campaign_admin.doctor.sizes import check_sizes
from campaign_common.kafka import topics
from campaign_common.kafka.batches import LARGEST_BATCH, SplittingProducer
from local_stack.servers.kafka import KafkaServer
from tests.integration.topic_limits import USUAL_LIMIT, set_limit
from tests.support.servers.topics import delete_topics
from tests.support.waiting import wait_until

RECORDS = 3_000
SIZE = 330
"""Bytes of a record, so that all of them together are a batch of a million bytes."""

TINY_LIMIT = 600
"""Bytes, for which two records are too large."""


class Topic:
    """A topic with a limit, and what was reported of the records for it."""

    def __init__(self, brokers: str, limit: int) -> None:
        self.brokers = brokers
        self.admin = AdminClient({"bootstrap.servers": brokers})
        self.name = f"batches-{token_hex(4)}"
        topics.create(self.admin, self.name, partitions=1, replication_factor=1)
        wait_until(lambda: self.name in self.admin.list_topics(timeout=10).topics)
        set_limit(self.admin, self.name, limit)
        self.delivered: list[bytes | None] = []
        self.refused: dict[bytes | None, int] = {}

    def limit(self) -> int:
        return topics.largest_batch(self.admin, self.name)

    def producer(self, limit_of: Callable[[str], int | None]) -> SplittingProducer:
        return SplittingProducer(self._make, limit_of)

    def on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered.append(message.key())
        else:
            self.refused[message.key()] = error.code()

    def produce(self, producer: SplittingProducer, sizes: list[int]) -> None:
        batch = [{"key": f"{n}", "value": b"x" * size} for n, size in enumerate(sizes)]
        assert producer.produce_batch(self.name, batch, 0, self.on_delivery) == len(sizes)
        assert producer.flush(30) == 0

    def _make(self, batch_size: int) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.brokers,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 50,
                "batch.size": batch_size,
            }
        )


@pytest.fixture
def make_topic(kafka_server: KafkaServer) -> Iterator[Callable[[int], Topic]]:
    made: list[Topic] = []

    def make(limit: int) -> Topic:
        made.append(Topic(kafka_server.brokers, limit))
        return made[-1]

    yield make
    for topic in made:
        delete_topics(topic.admin, [topic.name])


def keys(count: int) -> list[bytes]:
    return [b"%d" % n for n in range(count)]


@pytest.mark.parametrize("limit", [USUAL_LIMIT, TINY_LIMIT])
def test_batches_keep_within_a_known_limit(make_topic: Callable[[int], Topic], limit: int) -> None:
    topic = make_topic(limit)
    producer = topic.producer(lambda _: topic.limit())
    topic.produce(producer, [SIZE] * RECORDS)
    assert topic.delivered == keys(RECORDS), "sent again, or in another order"
    assert producer.batch_size == limit
    assert topic.refused == {}


@pytest.mark.parametrize("limit", [USUAL_LIMIT, TINY_LIMIT])
def test_refused_batches_are_split_where_nobody_tells(
    make_topic: Callable[[int], Topic], limit: int
) -> None:
    """A principal may write to a topic without the right to read its settings."""
    topic = make_topic(limit)
    producer = topic.producer(lambda _: None)
    topic.produce(producer, [SIZE] * RECORDS)
    assert sorted(topic.delivered, key=str) == sorted(keys(RECORDS), key=str)
    assert topic.refused == {}
    assert producer.batch_size < LARGEST_BATCH


def test_what_is_sent_again_keeps_headers_and_time(make_topic: Callable[[int], Topic]) -> None:
    topic = make_topic(TINY_LIMIT)
    producer = topic.producer(lambda _: None)
    for n in range(3):
        producer.produce(
            topic.name,
            token_hex(150).encode(),
            b"%d" % n,
            0,
            headers={"n": f"{n}"},
            timestamp=1764000000000 + n,
        )
    assert producer.flush(30) == 0
    consumer = Consumer({"bootstrap.servers": topic.brokers, "group.id": topic.name})
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    records: list[Message] = []
    wait_until(lambda: records.extend(consumer.consume(10, 0.2)) or len(records) == 3)
    consumer.close()
    found = {record.key(): (record.headers(), record.timestamp()[1]) for record in records}
    assert found == {b"%d" % n: ([("n", b"%d" % n)], 1764000000000 + n) for n in range(3)}


def test_a_limit_that_is_lowered_is_followed(make_topic: Callable[[int], Topic]) -> None:
    topic = make_topic(LARGEST_BATCH)
    producer = topic.producer(lambda _: topic.limit())
    topic.produce(producer, [SIZE])
    set_limit(topic.admin, topic.name, USUAL_LIMIT)
    topic.produce(producer, [SIZE] * RECORDS)
    assert sorted(topic.delivered[1:], key=str) == sorted(keys(RECORDS), key=str)
    assert topic.refused == {}

    def is_followed() -> bool:
        """Within a second of refusals the limit is not looked at again."""
        topic.produce(producer, [SIZE] * RECORDS)
        return producer.batch_size == USUAL_LIMIT

    wait_until(is_followed)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_record_that_is_too_large_fails_alone(
    make_topic: Callable[[int], Topic], is_told: bool
) -> None:
    topic = make_topic(USUAL_LIMIT)
    producer = topic.producer(lambda _: topic.limit() if is_told else None)
    sizes = [SIZE] * RECORDS
    sizes[1_000] = 300_000
    topic.produce(producer, sizes)
    assert topic.refused == {b"1000": KafkaError.MSG_SIZE_TOO_LARGE}
    assert len(topic.delivered) == len(set(topic.delivered)) == RECORDS - 1


def test_the_doctor_compares_the_limit(make_topic: Callable[[int], Topic]) -> None:
    topic = make_topic(USUAL_LIMIT)
    (found,) = check_sizes(topic.admin, topic.name)
    assert (found.status, found.message) == (
        "ok",
        "every message fits, in batches of 262,144 bytes at most",
    )


def test_what_is_purged_is_reported_as_not_delivered(make_topic: Callable[[int], Topic]) -> None:
    """Refused records that wait for their turn, too, and not as too large."""
    topic = make_topic(USUAL_LIMIT)
    producer = topic.producer(lambda _: None)
    batch = [{"key": f"{n}", "value": b"x" * SIZE} for n in range(RECORDS)]
    producer.produce_batch(topic.name, batch, 0, topic.on_delivery)
    producer._ordinary.flush(30)
    refused = len(producer)
    assert refused > RECORDS / 2
    producer.purge()
    assert producer.flush(1) == 0
    assert len(topic.refused) == refused == RECORDS - len(topic.delivered)
    assert KafkaError.MSG_SIZE_TOO_LARGE not in topic.refused.values()
