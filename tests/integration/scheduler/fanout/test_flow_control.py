"""Flow control: fan-out publishes only a window ahead of its senders."""

import time
from functools import partial

from campaign_common.domain.claim import ClaimedMessage, encode_claim
from campaign_common.domain.message import Status
from campaign_common.runtime.outage_log import OutageLog
from campaign_scheduler.fanout.chunk_reader import ChunkReader
from campaign_scheduler.fanout.flow_control import FlowControl
from campaign_scheduler.fanout.loop import FanOutDependencies, FanOutLoop
from campaign_scheduler.fanout.outcome_counts import OutcomeCounts
from campaign_scheduler.fanout.partition_backlog import PartitionBacklog
from campaign_scheduler.fanout.publish_window import PublishWindow
from tests.integration.scheduler.world import CAMPAIGN, SHARDS, Scheduler, World

CHUNK = 100
INITIAL = 2 * CHUNK
RECIPIENTS = 4_000


def paced(world: World) -> Scheduler:
    """A scheduler that holds back, with a running campaign."""
    world.add_list(RECIPIENTS)
    world.add_campaign()
    scheduler = world.scheduler()
    dependencies = FanOutDependencies(
        world.databases,
        scheduler.leases,
        scheduler.publisher,
        ChunkReader(world.databases, scheduler.availability, world.topic),
        scheduler.checkpoints,
        OutageLog(),
        OutcomeCounts(world.databases, scheduler.availability),
    )
    flow_control = FlowControl(
        CHUNK, partial(PublishWindow, 1.0, INITIAL), partial(PartitionBacklog, 0.5)
    )
    scheduler.fan_out = FanOutLoop(dependencies, flow_control)
    scheduler.campaign_starter.start_due()
    return scheduler


def fanned_out(world: World) -> int:
    (count,) = world.campaign("published_count")
    return int(count)


def run(scheduler: Scheduler, seconds: float) -> None:
    end = time.monotonic() + seconds
    scheduler.fan_out_until(lambda: time.monotonic() >= end)


def test_without_senders_nothing_exceeds_the_window(world: World) -> None:
    """Nothing is published beyond the window while there is no sender."""
    scheduler = paced(world)
    run(scheduler, 3)
    assert fanned_out(world) == INITIAL


def test_what_is_at_a_provider_leaves_room_for_as_many_more(world: World) -> None:
    scheduler = paced(world)
    scheduler.fan_out_until(lambda: fanned_out(world) == INITIAL)
    taken = [ClaimedMessage(CAMPAIGN, 2 * n, 0, 1) for n in range(1, INITIAL + 1)]
    world.record_shard(0, 0, encode_claim(taken))
    scheduler.fan_out_until(lambda: fanned_out(world) >= INITIAL + CHUNK)
    run(scheduler, 2)
    assert fanned_out(world) <= 2 * INITIAL


def test_partitions_that_stand_still_do_not_delay_the_others(world: World) -> None:
    """Partitions where nothing moves do not hold up the others."""
    scheduler = paced(world)
    at_work = range(SHARDS // 2)

    def others_go_on() -> bool:
        ends = world.log_ends()
        for shard in at_work:
            world.count_outcomes(Status.SENT, ends[shard], shard=shard)
        return world.all_fanned_out()

    scheduler.fan_out_until(others_go_on)
    assert fanned_out(world) == RECIPIENTS
