"""KafkaProperties reach librdkafka: a broker that asks for a password lets us in, or does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_common import kafka, topics
from campaign_common.errors import KafkaUnavailable
from campaign_common.settings import Settings, load_settings
from local_stack.distributions.cache import Cache
from local_stack.kafka import KafkaServer
from local_stack.ports import free_port

PASSWORD = "correct horse"
JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    f' username="sender" password="{PASSWORD}" user_sender="{PASSWORD}";'
)
TOPIC = "behind-a-password"


class GuardedKafka:
    """A broker with a listener that wants SASL/PLAIN, beside the open one for its own start."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.server = KafkaServer(
            folder,
            cache,
            listeners=[f"GUARDED://{self.address}"],
            properties={
                "listener.security.protocol.map": (
                    "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT"
                ),
                "inter.broker.listener.name": "PLAINTEXT",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.guarded.plain.sasl.jaas.config": JAAS,
            },
        )


@pytest.fixture(scope="module")
def guarded(servers_folder: Path, cache: Cache) -> Iterator[GuardedKafka]:
    guarded = GuardedKafka(servers_folder / "kafka-guarded", cache)
    try:
        guarded.server.start()
        yield guarded
    finally:
        guarded.server.stop()


def settings_with(folder: Path, address: str, password: str) -> Settings:
    file = folder / "campmgr.yaml"
    file.write_text(
        "Mysql: {DSN: 'root@tcp(127.0.0.1:1)/camp'}\n"
        f"SyncClient: {{Topic: {TOPIC}, Brokers: ['{address}']}}\n"
        f"SendClient: {{Brokers: ['{address}']}}\n"
        "KafkaProperties:\n"
        "  security.protocol: SASL_PLAINTEXT\n"
        "  sasl.mechanisms: PLAIN\n"
        "  sasl.username: sender\n"
        f"  sasl.password: {password}\n"
    )
    return load_settings(file, {})


def test_the_right_password_lets_in_producer_consumer_and_administration(
    tmp_path: Path, guarded: GuardedKafka
) -> None:
    settings = settings_with(tmp_path, guarded.address, PASSWORD)
    admin = kafka.admin(settings)
    topics.create(admin, TOPIC, partitions=1, replication_factor=1)
    producer = kafka.producer(settings)
    producer.produce(TOPIC, value=b"hello")
    assert producer.flush(30) == 0
    consumer = kafka.consumer(settings, kafka.group_protocol(settings, admin), "test")
    consumer.subscribe([TOPIC])
    record = consumer.poll(30)
    consumer.close()
    assert record is not None
    assert record.value() == b"hello"


def test_a_wrong_password_is_an_error_and_not_a_hang(tmp_path: Path, guarded: GuardedKafka) -> None:
    admin = kafka.admin(settings_with(tmp_path, guarded.address, "wrong"))
    with pytest.raises(KafkaUnavailable):
        topics.create(admin, TOPIC, partitions=1, replication_factor=1)
