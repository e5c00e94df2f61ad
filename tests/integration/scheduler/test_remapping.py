"""A topic that changes: publishing is held, the old partitions drain, the map flips."""

from collections.abc import Sequence

import pytest

from campaign_common.domain.partition_map import MapState
from campaign_common.domain.shard import shard_of
from campaign_common.errors import PublishingHeld, TopicMissing
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter, DeliveredChunk
from tests.integration.scheduler.world import SHARDS, Scheduler, World
from tests.support.waiting import wait_until


class MapDrainsFirst(CheckpointWriter):
    """Another scheduler sees new partitions between a chunk's delivery and its checkpoint."""

    def __init__(self, world: World, real: CheckpointWriter) -> None:
        self._world = world
        self._real = real
        self.is_armed = True

    def commit(self, delivered: Sequence[DeliveredChunk]) -> None:
        if self.is_armed:
            self.is_armed = False
            self._world.add_partitions(12)
            self._world.scheduler().partition_migration.step()
        self._real.commit(delivered)


def fan_out_held(scheduler: Scheduler, steps: int = 30) -> None:
    for _ in range(steps):
        scheduler.fan_out.step()


@pytest.fixture
def running(world: World) -> Scheduler:
    world.add_list(4_000)
    world.add_campaign()
    scheduler = world.scheduler()
    scheduler.campaign_starter.start_due()
    return scheduler


def test_the_first_look_at_a_topic_makes_its_map(world: World) -> None:
    made = world.partition_map
    assert (made.version, made.partitions, made.state) == (1, SHARDS, MapState.ACTIVE)
    assert world.scheduler().partition_migration.step().partition_map == made


def test_new_partitions_hold_publishers_until_all_is_recorded(
    world: World, running: Scheduler
) -> None:
    """New partitions hold publishers until the old ones are recorded."""
    running.fan_out_until(lambda: world.campaign("published_count") != (0,))
    world.add_partitions(12)
    step = running.partition_migration.step()
    assert step.partition_map.state is MapState.DRAINING
    assert step.unrecorded == tuple(range(SHARDS))
    fan_out_held(running)
    running.publisher.drain(10)
    held = sum(world.log_ends().values())
    fan_out_held(running)
    assert sum(world.log_ends().values()) == held
    with pytest.raises(PublishingHeld):
        add_retry_and_publish(world, running)

    world.record_everything()
    ends = world.log_ends()
    following = running.partition_migration.step().partition_map
    assert (following.version, following.partitions, following.is_active) == (2, 12, True)
    assert following.start_offsets == {n: ends[n] for n in range(SHARDS)}
    fan_out_all(world, running)
    assert world.times_published().keys() == set(range(2, 8_001, 2))


def add_retry_and_publish(world: World, scheduler: Scheduler) -> None:
    world.change(
        "INSERT INTO campaign_counters (campaign_id, shard, status, n)"
        " SELECT id, 0, 3, 1 FROM campaigns"
    )
    scheduler.retry_publisher.publish_due()


def fan_out_all(world: World, scheduler: Scheduler) -> None:
    def done() -> bool:
        scheduler.campaign_starter.start_due()
        return world.all_fanned_out()

    scheduler.fan_out_until(done)


def test_open_claims_and_unread_records_keep_the_map_draining(
    world: World, running: Scheduler
) -> None:
    """An open claim or an unread record keeps the map draining."""
    running.fan_out_until(world.all_fanned_out)
    world.add_partitions(12)
    world.record_everything()
    ends = world.log_ends()
    world.record_shard(3, ends[3], claimed=b"something")
    world.record_shard(5, ends[5] - 1)
    assert running.partition_migration.step().unrecorded == (3, 5)
    world.record_shard(3, ends[3])
    world.record_shard(5, ends[5])
    assert running.partition_migration.step().partition_map.version == 2


def test_a_flip_makes_publishers_take_their_campaigns_again(
    world: World, running: Scheduler
) -> None:
    running.fan_out_until(lambda: world.campaign("published_count") != (0,))
    world.add_partitions(12)
    running.partition_migration.step()
    running.publisher.drain(10)
    world.record_everything()
    running.partition_migration.step()
    assert world.campaign("epoch", "lease_epoch", "lease_until <= NOW(6)") == (1, 2, 1)
    fan_out_all(world, running)
    moved = [
        (partition, record)
        for partition, record in world.published_where()
        if record.map_version == 2
    ]
    assert moved
    assert all(partition == record.shard % 12 for partition, record in moved)


def test_a_chunk_delivered_as_draining_began_does_not_count(
    world: World, running: Scheduler
) -> None:
    """A chunk delivered while the map began to drain does not count."""
    racing = MapDrainsFirst(world, running.checkpoints)
    running.fan_out = running.fan_out_with(racing)
    running.fan_out_until(lambda: not racing.is_armed)
    fan_out_held(running)
    assert world.campaign("published_count") == (0,)
    running.publisher.drain(10)
    world.record_everything()
    running.partition_migration.step()
    fan_out_all(world, running)
    under_the_new_map = {r.seq for r in world.published() if r.map_version == 2}
    assert under_the_new_map == set(range(2, 8_001, 2))


def test_a_recreated_topic_gets_running_campaigns_again(world: World, running: Scheduler) -> None:
    """A topic made again publishes running campaigns from the start."""
    running.fan_out_until(world.all_fanned_out)
    old_id = world.partition_map.topic_id
    world.delete_topic()
    with pytest.raises(TopicMissing):
        running.partition_migration.step()
    assert world.partition_map.state is MapState.DRAINING
    world.make_topic(2)
    wait_until(lambda: running.partition_migration.step().partition_map.is_active)
    made_anew = world.partition_map
    assert made_anew.topic_id != old_id
    assert (made_anew.partitions, made_anew.start_offsets) == (2, {})
    assert world.campaign("epoch", "published_seq", "published_count") == (2, 0, 0)
    fan_out_all(world, running)
    published = world.published_where()
    assert {record.seq for _, record in published} == set(range(2, 8_001, 2))
    for partition, record in published:
        assert partition == shard_of(record.phone, SHARDS) % 2
        assert record.campaign_epoch == 2


def test_any_scheduler_completes_what_another_began(world: World, running: Scheduler) -> None:
    world.add_partitions(12)
    world.record_shard(0, 0, claimed=b"something")
    assert running.partition_migration.step().partition_map.state is MapState.DRAINING
    world.record_everything()
    another = world.scheduler()
    assert another.partition_migration.step().partition_map.version == 2
    assert running.partition_migration.step().partition_map.version == 2
