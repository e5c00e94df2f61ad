"""Samples of running campaigns, by whoever leases them; and when a campaign expires."""

from campaign_common.database import Cursors
from campaign_common.store.campaigns.progress import Sample, read_movement
from campaign_scheduler.jobs.sample_rates import RateSampler
from tests.integration.scheduler.world import CAMPAIGN, World


def test_running_campaigns_are_sampled_by_their_holder_only(world: World) -> None:
    world.add_list(10)
    world.add_campaign()
    world.add_campaign(CAMPAIGN + 1)
    holder, other = world.scheduler(), world.scheduler()
    holder.campaign_starter.start_due()
    world.add_campaign(CAMPAIGN + 2)
    world.count_outcomes(status=1, n=4)
    world.count_outcomes(status=2, n=3)
    world.count_outcomes(status=3, n=2)  # waits for a retry
    for scheduler in (holder, other):
        RateSampler(world.databases, scheduler.owner).sample()
    assert world.rows("SELECT campaign_id, ended FROM campaign_samples ORDER BY 1") == [
        (CAMPAIGN, 7),
        (CAMPAIGN + 1, 0),
    ]


def test_the_oldest_sample_of_the_last_minute_is_kept(world: World) -> None:
    """Old samples go and the oldest of the last minute is found."""
    world.add_list(10)
    world.add_campaign()
    for age, ended in ((130, 1), (110, 2), (50, 3), (20, 4)):
        world.change(
            "INSERT INTO campaign_samples VALUES (%s, NOW(6) - INTERVAL %s SECOND, %s)",
            (CAMPAIGN, age, ended),
        )
    RateSampler(world.databases, "somebody").sample()
    assert world.rows("SELECT ended FROM campaign_samples ORDER BY 1") == [(2,), (3,), (4,)]
    with world.databases.reading() as cursors:
        found = sample_of_last(60, cursors)
        assert found is not None
        assert found.ended == 3
        assert 50 <= found.seconds_ago < 60
        assert sample_of_last(10, cursors) is None
        assert read_movement(cursors, CAMPAIGN + 1, 60) is None


def sample_of_last(seconds: int, cursors: Cursors) -> Sample | None:
    movement = read_movement(cursors, CAMPAIGN, seconds)
    assert movement is not None
    return movement.sample


def test_expiry_counts_from_the_start(world: World) -> None:
    world.add_list(10)
    world.add_campaign()
    world.add_campaign(CAMPAIGN + 1)
    world.change("UPDATE campaigns SET expires_after = 90 WHERE id = %s", (CAMPAIGN,))
    world.scheduler().campaign_starter.start_due()
    assert world.rows(
        "SELECT TIMESTAMPDIFF(MICROSECOND, started_at, expires_at) FROM campaigns ORDER BY id"
    ) == [(90_000_000,), (None,)]
