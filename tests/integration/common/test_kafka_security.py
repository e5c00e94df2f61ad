"""KafkaProperties reach librdkafka: a broker that asks for a password lets us in, or does not."""

from pathlib import Path

import pytest

from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka import clients, topics
from campaign_common.settings import Settings, load_settings
from tests.support.servers.guarded_kafka import PASSWORD, GuardedKafka

TOPIC = "behind-a-password"


def settings_with(folder: Path, address: str, password: str) -> Settings:
    file = folder / "campmgr.yaml"
    file.write_text(
        "Mysql: {DSN: 'root@tcp(127.0.0.1:1)/camp'}\n"
        f"SyncClient: {{Topic: {TOPIC}, Brokers: ['{address}']}}\n"
        f"SendClient: {{Brokers: ['{address}']}}\n"
        "KafkaProperties:\n"
        "  security.protocol: SASL_PLAINTEXT\n"
        "  sasl.mechanisms: PLAIN\n"
        "  sasl.username: admin\n"
        f"  sasl.password: {password}\n"
    )
    return load_settings(file, {})


def test_the_right_password_lets_every_kind_of_client_in(
    tmp_path: Path, guarded_kafka: GuardedKafka
) -> None:
    """The right password lets in producer consumer and administration."""
    settings = settings_with(tmp_path, guarded_kafka.address, PASSWORD)
    admin = clients.admin(settings)
    topics.create(admin, TOPIC, partitions=1, replication_factor=1)
    producer = clients.producer(settings)
    producer.produce(TOPIC, value=b"hello")
    assert producer.flush(30) == 0
    consumer = clients.consumer(settings, clients.group_protocol(settings, admin), "test")
    consumer.subscribe([TOPIC])
    record = consumer.poll(30)
    consumer.close()
    assert record is not None
    assert record.value() == b"hello"


def test_a_wrong_password_is_an_error_and_not_a_hang(
    tmp_path: Path, guarded_kafka: GuardedKafka
) -> None:
    admin = clients.admin(settings_with(tmp_path, guarded_kafka.address, "wrong"))
    with pytest.raises(KafkaUnavailable):
        topics.create(admin, TOPIC, partitions=1, replication_factor=1)
