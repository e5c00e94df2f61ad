"""Every recipient of a running campaign is published, and counted only when delivered."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.shard import shard_of
from campaign_common.errors import DatabaseUnavailable
from campaign_common.kafka import clients
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter, DeliveredChunk
from tests.integration.scheduler.world import CAMPAIGN, SHARDS, World
from tests.integration.topic_limits import USUAL_LIMIT, set_limit


class DeadBeforeCheckpoint(CheckpointWriter):
    """The process dies, as the database sees it, at its nth checkpoint."""

    def __init__(self, world: World, real: CheckpointWriter, survives: int) -> None:
        self._world = world
        self._real = real
        self._left = survives

    def commit(self, delivered: Sequence[DeliveredChunk]) -> None:
        for one in delivered:
            if self._left == 0:
                raise DatabaseUnavailable("the process is dead")
            self._left -= 1
            self._real.commit([one])


def record(world: World, seq: int, status: Status) -> None:
    """Be a sender: put a row for recipient `seq` into the ledger."""
    shard = shard_of(str(13900000000 + seq), SHARDS)
    world.change(
        f"INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number,"
        " attempts, sent_at) VALUES (%s, %s, %s, 0, 1, 1, NOW(6))",
        (CAMPAIGN, seq, int(status)),
    )


def test_twenty_thousand_recipients_are_published_exactly_once(world: World) -> None:
    world.add_list(20_000)
    world.add_campaign()
    world.scheduler(chunk_size=3_000).start_and_fan_out()
    times = world.times_published()
    assert times.keys() == set(range(2, 40_001, 2))
    assert set(times.values()) == {1}
    assert world.campaign("published_seq", "published_count", "total") == (40_000, 20_000, 20_000)


def test_records_are_on_their_shards_partition_with_text(world: World) -> None:
    """Records travel on the partition of their shard with their text."""
    world.add_list(100)
    world.add_campaign()
    world.scheduler().start_and_fan_out()
    for partition, message in world.published_where():
        assert message.shard == shard_of(message.phone, SHARDS)
        assert partition == message.shard
        assert message.body == f"hi user{message.seq}, this is a test message."
        assert (message.campaign_epoch, message.map_version, message.try_number) == (1, 1, 1)


def test_a_crash_before_a_checkpoint_repeats_one_chunk(world: World) -> None:
    """A crash before a checkpoint publishes that chunk again and only that."""
    world.add_list(5_000)
    world.add_campaign()
    first, second = world.scheduler(lease=0.2), world.scheduler()
    first.campaign_starter.start_due()
    dying = DeadBeforeCheckpoint(world, first.checkpoints, survives=2)
    first.fan_out = first.fan_out_with(dying)
    with pytest.raises(DatabaseUnavailable):
        first.fan_out_until(world.all_fanned_out)
    first.publisher.drain(10)
    assert world.campaign("published_count") == (2_000,)
    published_by_the_first = len(world.published())

    def fanned_out() -> bool:
        second.campaign_starter.start_due()
        return world.all_fanned_out()

    second.fan_out_until(fanned_out)
    times = world.times_published()
    assert times.keys() == set(range(2, 10_001, 2))
    assert {seq for seq, n in times.items() if n == 1} >= set(range(2, 4_001, 2))
    assert {seq for seq, n in times.items() if n == 2} == set(
        range(4_002, published_by_the_first * 2 + 1, 2)
    )


def test_two_schedulers_at_once_fan_nothing_out_twice(world: World) -> None:
    world.add_list(1_000)
    for n in range(10):
        world.add_campaign(CAMPAIGN + n)
    schedulers = [world.scheduler(chunk_size=300) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(one.start_and_fan_out) for one in schedulers]:
            done.result(60)
    published = world.published()
    assert len(published) == 10_000
    assert len({(record.campaign_id, record.seq) for record in published}) == 10_000


def test_what_has_a_ledger_row_is_counted_and_not_published(world: World) -> None:
    world.add_list(50)
    world.add_campaign()
    record(world, 10, Status.SENT)
    record(world, 20, Status.FAILED)
    record(world, 30, Status.WAITING)
    world.scheduler().start_and_fan_out()
    assert world.times_published().keys() == set(range(2, 101, 2)) - {10, 20, 30}
    assert world.campaign("published_count") == (50,)


def test_a_message_too_large_for_the_topic_says_so(world: World) -> None:
    """A message too large for the topic travels as one that says so."""
    world.add_list(20)
    world.change("UPDATE recipients SET name = REPEAT('x', 250)")
    world.change("UPDATE recipients SET attributes = %s WHERE seq = 8", ('{"essay": "short"}',))
    world.change("UPDATE recipient_lists SET attribute_columns = '[\"essay\"]'")
    world.change(
        "UPDATE recipients SET attributes = JSON_OBJECT('essay', REPEAT('y', 70000)) WHERE seq = 12"
    )
    world.add_campaign(template="{name} {essay}")
    world.scheduler().start_and_fan_out()
    undeliverable = {r.seq: r.undeliverable for r in world.published() if r.undeliverable}
    assert undeliverable == {12: "message is too large"}
    assert world.campaign("published_count") == (20,)


@pytest.mark.parametrize(
    ("limit", "recipients", "is_told"), [(USUAL_LIMIT, 3_000, True), (1_000, 600, False)]
)
def test_a_campaign_fits_any_topic_that_takes_each_record(
    one_partition: World,
    limit: int,
    recipients: int,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One partition carries all of them, which are more than a batch may have."""
    world = one_partition
    if not is_told:
        monkeypatch.setattr(clients, "_batch_limit", lambda *_: None)
    set_limit(world.admin, world.topic, limit)
    add_long_texts(world, recipients)
    world.scheduler(chunk_size=recipients).start_and_fan_out()
    published = world.published()
    assert {record.undeliverable for record in published} == {None}
    assert sorted(r.seq for r in published) == list(range(2, 2 * recipients + 1, 2))
    assert world.campaign("published_count") == (recipients,)


def test_only_the_record_that_is_larger_than_the_topic_fails(one_partition: World) -> None:
    world = one_partition
    set_limit(world.admin, world.topic, 2_000)
    add_long_texts(world, 200)
    world.change(
        "UPDATE recipients SET attributes = JSON_OBJECT('code', %s) WHERE seq = 12",
        (token_hex(2_000),),
    )
    world.scheduler().start_and_fan_out()
    said = {record.seq: record.undeliverable for record in world.published()}
    assert {seq: why for seq, why in said.items() if why} == {12: "message is too large"}
    assert len(said) == 200
    assert world.campaign("published_count") == (200,)


def add_long_texts(world: World, recipients: int) -> None:
    """Make a campaign whose texts, of 384 characters each, no compression makes much smaller."""
    world.add_list(recipients, columns='["code"]')
    world.change(
        "UPDATE recipients SET attributes = JSON_OBJECT('code',"
        " CONCAT(SHA2(seq, 512), SHA2(-seq, 512), SHA2(seq * 2 + 1, 512)))"
    )
    world.add_campaign(template="{code}")


def test_a_list_shorter_than_a_chunk_is_fanned_out_whole(world: World) -> None:
    """A list that fills no whole chunk is fanned out to its last seq."""
    world.add_list(1_000)
    world.change("UPDATE recipient_lists SET last_seq = 5000")
    world.add_campaign()
    world.scheduler(chunk_size=1_000).start_and_fan_out()
    assert world.campaign("published_count") == (1_000,)
