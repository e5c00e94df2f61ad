"""Records that no sender can read, among those of a campaign."""

from itertools import pairwise

from confluent_kafka import KafkaError, Message

from campaign_common.kafka import clients
from campaign_common.kafka.dead_letters import opened_box
from campaign_common.settings import load_settings
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.services.system import LOOK_AGAIN, SHARDS
from tests.support.waiting import wait_until

POISON = b"\x00 not a record"
LONGEST_GAP = 5.0
"""Seconds without any call that count as a stall; a batch takes a fraction of one."""


def test_poison_goes_to_the_dead_letters_and_delays_nobody(scene: Scene) -> None:
    rows = scene.scale.choose(20_000, 100_000)
    poison = rows // 1000
    scene.provider.set_faults(Faults(latency=0.02))
    scene.start_all(senders=2)
    settings = load_settings(scene.system.config, {})
    producer = clients.producer(settings)
    published: list[tuple[int | None, int | None]] = []

    def on_delivery(error: KafkaError | None, record: Message) -> None:
        assert error is None
        published.append((record.partition(), record.offset()))

    scene.begin(rows)
    for number in range(poison):
        scene.wait_for_calls(rows * number // (poison * 2))
        partition = scene.random.randrange(SHARDS)
        topic = settings.sync_client.topic
        producer.produce(topic, value=POISON, partition=partition, on_delivery=on_delivery)
        producer.flush(10)
    account = scene.finish()
    moments = [call.boot for call in scene.provider.calls()]
    gap = max(later - earlier for earlier, later in pairwise(moments))
    scene.found("poison records", account, faults=poison, recovered=gap)
    with opened_box(settings) as box:
        # The last ones may lie behind the last message.
        wait_until(lambda: len(list(box.letters())) >= poison, interval=LOOK_AGAIN)
        letters = list(box.letters())
    origins = [(letter.origin_partition, letter.origin_offset) for letter in letters]
    assert sorted(origins) == sorted(published)
    assert len(published) == poison
    assert {letter.value for letter in letters} == {POISON}
    assert all(letter.reason for letter in letters)
    assert (account.lost, account.duplicates) == (0, 0)
    assert gap < LONGEST_GAP
