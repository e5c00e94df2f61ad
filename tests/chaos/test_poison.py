"""Records that no sender can read, among those of a campaign."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

from confluent_kafka import Consumer, Message, TopicPartition

from campaign_common import kafka
from campaign_common.dead_letters import dead_letter_topic
from campaign_common.settings import Settings, load_settings
from tests.chaos.scene import Scene
from tests.e2e.system import SHARDS
from tests.recording_provider import Faults

POISON = b"\x00 not a record"
LONGEST_GAP = 5.0
"""Seconds without any call that count as a stall; a batch takes a fraction of one."""


def read_dead_letters(settings: Settings, expected: int) -> Iterator[Message]:
    """Read so many records of the dead-letter topic, or fewer when no more come."""
    brokers = ",".join(settings.sync_client.brokers)
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "chaos"})
    with closing(consumer):
        topic = dead_letter_topic(settings.sync_client.topic)
        consumer.assign([TopicPartition(topic, 0, 0)])
        for _ in range(expected + 1):  # one more than there should be
            message = consumer.poll(5)
            if message is None:
                return
            yield message


def test_poison_goes_to_the_dead_letters_and_delays_nobody(scene: Scene) -> None:
    rows = scene.scale.choose(20_000, 100_000)
    poison = rows // 1000
    scene.provider.set_faults(Faults(latency=0.02))
    scene.start_all(senders=2)
    settings = load_settings(scene.system.config, {})
    producer = kafka.producer(settings)
    scene.begin(rows)
    for number in range(poison):
        scene.wait_for_calls(rows * number // (poison * 2))
        partition = scene.random.randrange(SHARDS)
        producer.produce(settings.sync_client.topic, value=POISON, partition=partition)
        producer.flush(10)
    account = scene.finish()
    moments = [call.boot for call in scene.provider.calls()]
    gap = max(later - earlier for earlier, later in pairwise(moments))
    scene.found("poison records", account, faults=poison, recovered=gap)
    letters = list(read_dead_letters(settings, poison))
    assert [letter.value() for letter in letters] == [POISON] * poison
    assert all(
        dict(letter.headers() or []).keys() >= {"reason", "origin_offset"} for letter in letters
    )
    assert (account.lost, account.duplicates) == (0, 0)
    assert gap < LONGEST_GAP
