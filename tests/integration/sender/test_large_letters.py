"""Dead letters that their topic does not take, or that the topic does not take back."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from secrets import token_hex

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import DeadLetterBox, dead_letter_topic, opened_box
from campaign_common.kafka.producing import ReplacedProducer
from campaign_common.settings import Settings, load_settings
from campaign_sender.consuming.dead_letters import DeadLetterPublisher, InvalidRecord
from campaign_sender.metrics import COUNTERS
from local_stack.servers.kafka import KafkaServer
from tests.integration.topic_limits import set_limit
from tests.support.counting import Increases
from tests.support.sample import SAMPLE
from tests.support.servers.topics import delete_topics
from tests.support.waiting import wait_until

LIMIT = 1_500
VALUES = [token_hex(100).encode(), token_hex(1_000).encode(), token_hex(110).encode()]
"""The second is too large for the limit."""


@pytest.fixture
def settings(tmp_path: Path, kafka_server: KafkaServer) -> Iterator[Settings]:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE)
    name = f"letters-{token_hex(4)}"
    environ = {
        "CAMP__SYNCCLIENT__TOPIC": name,
        "CAMP__SYNCCLIENT__BROKERS": kafka_server.brokers,
        "CAMP__SENDCLIENT__BROKERS": kafka_server.brokers,
        "CAMP__SENDCLIENT__TOPICS": name,
        "CAMP__SENDCLIENT__GROUP": name,
    }
    made = load_settings(path, environ)
    admin = clients.admin(made)
    both = [name, dead_letter_topic(name)]
    for topic in both:
        topics.create(admin, topic, partitions=1, replication_factor=1)
    wait_until(lambda: set(both) <= set(admin.list_topics(timeout=10).topics))
    yield made
    delete_topics(admin, both)


def publish(settings: Settings) -> None:
    producer = clients.producer(settings)
    for value in VALUES:
        producer.produce(settings.sync_client.topic, value=value, key=b"k", partition=0)
    assert producer.flush(30) == 0


def fetched(settings: Settings) -> list[Message]:
    consumer: Consumer = clients.reader(settings, "fetching")
    consumer.assign([TopicPartition(settings.sync_client.topic, 0, 0)])
    found: list[Message] = []
    wait_until(lambda: found.extend(consumer.consume(10, 0.2)) or len(found) == len(VALUES))
    consumer.close()
    return found


def put_away(settings: Settings) -> None:
    increases = Increases(COUNTERS)
    letters = DeadLetterPublisher(lambda: clients.producer(settings), settings.sync_client.topic)
    letters.publish([InvalidRecord(record, "bad") for record in fetched(settings)])
    assert increases.sum("campaign_dead_letters_total") == len(VALUES)


def replay(settings: Settings, box: DeadLetterBox) -> int:
    partition_map = PartitionMap(settings.sync_client.topic, "id", 1, 1, MapState.ACTIVE)
    return box.replay(ReplacedProducer(lambda: clients.producer(settings)), partition_map)


def test_a_letter_too_large_for_its_topic_keeps_its_origin(settings: Settings) -> None:
    """Records that follow it are put away, too, and no partition waits for it."""
    publish(settings)
    set_limit(clients.admin(settings), dead_letter_topic(settings.sync_client.topic), LIMIT)
    put_away(settings)
    with opened_box(settings) as box:
        letters = sorted(box.letters(), key=lambda letter: letter.origin_offset)
        assert [letter.value for letter in letters] == [VALUES[0], None, VALUES[2]]
        assert [letter.is_left_out for letter in letters] == [False, True, False]
        assert ("left_out_bytes", b"2000") in letters[1].headers
        assert replay(settings, box) == 2


def test_a_letter_that_cannot_be_replayed_is_not_lost(settings: Settings) -> None:
    publish(settings)
    put_away(settings)
    limit = partial(set_limit, clients.admin(settings), settings.sync_client.topic)
    limit(LIMIT)
    with opened_box(settings) as box:
        with pytest.raises(
            KafkaUnavailable, match=r"1 replayed, the next one was not: .* too large"
        ):
            replay(settings, box)
        assert [letter.value for letter in box.letters()] == VALUES[1:]
        limit(1_000_000)
        assert replay(settings, box) == 2
        assert list(box.letters()) == []
