"""Records lie where the partition map says, whatever the client would choose by their keys."""

from collections import defaultdict
from collections.abc import Iterator
from secrets import token_hex

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.domain.shard import shard_of
from campaign_common.kafka import topics
from campaign_scheduler.publishing.publisher import Publication, Publisher, RecordsByPartition
from local_stack.servers.kafka import KafkaServer
from tests.support.servers.topics import delete_topics

SHARDS = 8
PARTITIONS = 3
"""Does not divide the shards, so that the client's own choice would be another."""

PHONES = [str(13961467500 + n) for n in range(200)]


@pytest.fixture
def topic(kafka_server: KafkaServer) -> Iterator[str]:
    admin = AdminClient({"bootstrap.servers": kafka_server.brokers})
    name = f"publisher-{token_hex(4)}"
    topics.create(admin, name, partitions=PARTITIONS, replication_factor=1)
    yield name
    delete_topics(admin, [name])


def test_every_record_lies_in_the_partition_of_its_shard(
    kafka_server: KafkaServer, topic: str
) -> None:
    partition_map = PartitionMap(topic, "id", 1, PARTITIONS, MapState.ACTIVE)
    wanted = {phone: partition_map.partition(shard_of(phone, SHARDS)) for phone in PHONES}
    publisher = Publisher(
        lambda: Producer({"bootstrap.servers": kafka_server.brokers, "acks": "all"}), topic
    )
    publication = Publication(len(PHONES))
    groups: RecordsByPartition = defaultdict(list)
    for phone, partition in wanted.items():
        groups[partition].append({"key": phone, "value": phone.encode()})
    publisher.publish(groups, publication)
    publisher.drain(30)
    assert publication.is_delivered
    assert read_places(kafka_server.brokers, topic, len(PHONES)) == wanted


def read_places(brokers: str, topic: str, records: int) -> dict[str, int]:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "reader"})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    places: dict[str, int] = {}
    while len(places) < records:
        record = consumer.poll(30)
        assert record is not None
        assert record.error() is None
        places[record.key().decode()] = record.partition()
    consumer.close()
    return places
