"""Kafka forgets, or says things twice: nobody is lost, and at most once nobody is called again.

The short form shows it in the stricter mode, the long form in both.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from campaign_common.domain.campaign import Delivery
from campaign_common.kafka import clients, topics
from campaign_common.settings import Settings, load_settings
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process
from tests.support.services.system import SHARDS
from tests.support.waiting import wait_until

AHEAD = {"Lease": "3s", "ChunkSize": 2000, "Window": "60s"}
"""Most of the campaign lies in Kafka when something happens to it there."""
CREATE = ("campaign-topics", "create", "--partitions", str(SHARDS))


BOTH_MODES = pytest.mark.parametrize(
    "delivery",
    [
        Delivery.AT_MOST_ONCE,
        pytest.param(Delivery.AT_LEAST_ONCE, marks=pytest.mark.long_form),
    ],
)


def begin(
    scene: Scene, delivery: Delivery, **scheduler: object
) -> tuple[Settings, Sequence[Process]]:
    """Start a campaign under these further settings of the scheduler."""
    scene.system.configure(Delivery=delivery.value, Scheduler={**AHEAD, **scheduler})
    scene.provider.set_faults(Faults(latency=0.06))
    _, senders = scene.start_all(senders=2)
    scene.begin(scene.scale.choose(20_000, 100_000))
    scene.wait_for_calls(scene.scale.choose(4_000, 20_000))
    return load_settings(scene.system.config, {}), senders


def read_partition(settings: Settings, partition: int, end: int) -> Iterator[Message]:
    """Read one partition of the topic from its start to `end`."""
    brokers = ",".join(settings.sync_client.brokers)
    with closing(Consumer({"bootstrap.servers": brokers, "group.id": "chaos"})) as consumer:
        consumer.assign([TopicPartition(settings.sync_client.topic, partition, 0)])
        for _ in range(end):
            message = consumer.poll(30)
            assert message is not None
            assert message.error() is None
            yield message


@BOTH_MODES
def test_everything_published_twice_calls_nobody_twice(scene: Scene, delivery: Delivery) -> None:
    settings, _ = begin(scene, delivery)
    topic = settings.sync_client.topic
    producer = clients.producer(settings)
    copies = 0
    for partition, end in topics.log_ends(clients.admin(settings), topic, range(SHARDS)).items():
        for message in read_partition(settings, partition, end):
            producer.produce(topic, value=message.value(), key=message.key(), partition=partition)
            copies += 1
        assert producer.flush(30) == 0
    assert not scene.has_finished()
    scene.hurry()
    account = scene.finish()
    scene.found(f"records published twice, {delivery.value}", account, faults=copies)
    assert copies > 0
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)


@BOTH_MODES
def test_records_deleted_after_a_claim_lose_nobody(scene: Scene, delivery: Delivery) -> None:
    settings, (victim, other) = begin(scene, delivery, Standstill="2s")
    claimed = scene.kill_in_flight(victim)
    other.terminate()
    other.wait(20)
    admin, topic = clients.admin(settings), settings.sync_client.topic
    ends = topics.log_ends(admin, topic, range(SHARDS))
    places = [TopicPartition(topic, number, end) for number, end in ends.items()]
    for future in admin.delete_records(places).values():
        future.result()
    began, calls = time.monotonic(), scene.calls()
    scene.start("campaign-sender")
    wait_until(lambda: scene.calls() > calls)
    recovered = time.monotonic() - began
    scene.hurry()
    account = scene.finish(watchdog_may_help=True)
    scene.found(
        f"records deleted after a claim, {delivery.value}",
        account,
        bound=len(claimed),
        recovered=recovered,
    )
    assert scene.watchdog_rounds() > 0, "the watchdog had nothing to do"
    assert account.lost == 0
    if delivery is Delivery.AT_MOST_ONCE:
        assert account.duplicates == 0
        assert 0 < account.unknown <= len(claimed)
    else:
        assert account.unknown == 0
        assert account.repeated <= {message.seq for message in claimed}
        assert 0 < account.duplicates <= len(claimed)


@BOTH_MODES
def test_a_topic_deleted_and_made_anew_loses_nobody(scene: Scene, delivery: Delivery) -> None:
    settings, _ = begin(scene, delivery)
    admin, topic = clients.admin(settings), settings.sync_client.topic
    before = topics.describe(admin, topic).topic_id
    began = time.monotonic()
    for future in admin.delete_topics([topic]).values():
        future.result()

    def is_made_anew() -> bool:
        return scene.system.command(*CREATE, "-c", str(scene.system.config)).returncode == 0

    wait_until(is_made_anew)
    assert topics.describe(admin, topic).topic_id != before
    calls = scene.calls()
    wait_until(lambda: scene.calls() > calls)
    recovered = time.monotonic() - began
    scene.hurry()
    account = scene.finish()
    scene.found(f"topic deleted and created again, {delivery.value}", account, recovered=recovered)
    assert (account.lost, account.duplicates, account.unknown) == (0, 0, 0)
