"""Samples that are kept with a campaign, written by whoever leases it."""

from itertools import pairwise

import pytest

from campaign_common.store.campaigns.kept_samples import read_kept_samples
from campaign_scheduler.jobs import sample_rates
from campaign_scheduler.jobs.sample_rates import RateSampler
from tests.integration.scheduler.world import CAMPAIGN, World

KEPT = """
SELECT campaign_id, sent, failed, waiting, unrecorded FROM kept_samples
ORDER BY campaign_id, sampled_at
"""
LATER = "UPDATE kept_samples SET sampled_at = sampled_at - INTERVAL %s SECOND ORDER BY sampled_at"
AGES = """
SELECT TIMESTAMPDIFF(SECOND, sampled_at, NOW(6)), spacing FROM kept_samples ORDER BY sampled_at
"""


def running_world(world: World) -> str:
    """Let the campaign run, all of its ten people published; return the owner of its lease."""
    world.add_list(10)
    world.add_campaign()
    scheduler = world.scheduler()
    scheduler.campaign_starter.start_due()
    world.change("UPDATE campaigns SET published_count = 10")
    return scheduler.owner


def test_a_sample_has_the_numbers_by_outcome(world: World) -> None:
    owner = running_world(world)
    for status, n in ((1, 4), (2, 1), (3, 2)):
        world.count_outcomes(status=status, n=n)
    sampler = RateSampler(world.databases, owner)
    RateSampler(world.databases, "another").sample()
    for _ in range(3):  # at once: only the first is due
        sampler.sample()
    RateSampler(world.databases, owner).sample()
    assert world.rows(KEPT) == [(CAMPAIGN, 4, 1, 2, 3)]
    with world.database.reading() as cursor:
        (sample,) = read_kept_samples(cursor, CAMPAIGN)
    assert {status.word: n for status, n in sample.counts.items() if n} == {
        "sent": 4,
        "failed": 1,
        "waiting": 2,
    }


@pytest.mark.parametrize("state", ["finished", "paused"])
def test_the_end_of_a_run_is_kept(world: World, state: str) -> None:
    """Though it is not due: a retry may begin another run, much later."""
    sampler = RateSampler(world.databases, running_world(world))
    sampler.sample()
    world.count_outcomes(status=1, n=10)
    finished_at = "NOW(6)" if state == "finished" else "NULL"
    world.change(f"UPDATE campaigns SET state = %s, finished_at = {finished_at}", (state,))
    for _ in range(2):
        sampler.sample()
    assert world.rows(KEPT) == [(CAMPAIGN, 0, 0, 0, 10), (CAMPAIGN, 10, 0, 0, 0)]
    ((last_at,),) = world.rows("SELECT MAX(sampled_at) FROM kept_samples")
    (at,) = world.campaign("finished_at")
    assert at in (last_at, None)


def test_a_lost_lease_ends_no_run(world: World) -> None:
    sampler = RateSampler(world.databases, running_world(world))
    sampler.sample()
    world.change("UPDATE campaigns SET lease_owner = 'another'")
    sampler.sample()
    assert len(world.rows(KEPT)) == 1


def test_samples_of_a_long_run_become_sparse(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They never are too many, lie evenly over the run, and its beginning stays."""
    most = 8
    monkeypatch.setattr(sample_rates, "MOST_KEPT", most)
    owner = running_world(world)
    turns = 70
    for turn in range(turns):
        RateSampler(world.databases, owner).sample()
        if turn < turns - 1:
            world.change(LATER, (5,))
        assert world.rows("SELECT COUNT(*) FROM kept_samples")[0][0] <= most
    ages = [age for age, _ in world.rows(AGES)]
    assert ages[0] >= (turns - 1) * 5
    # Doubled four times: 5, 10, 20, 40, 80 s.
    assert world.rows(AGES)[-1][1] == 80
    gaps = [before - after for before, after in pairwise(ages)]
    assert all(80 <= gap < 85 for gap in gaps), gaps
    assert ages[-1] < 80
