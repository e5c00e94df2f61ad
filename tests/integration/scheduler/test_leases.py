"""A campaign is worked on by whoever holds its lease, and by nobody who lost it."""

from tests.integration.scheduler.world import World


def running_campaign(world: World) -> None:
    world.add_list(3_000)
    world.add_campaign()


def expire_leases(world: World) -> None:
    world.change("UPDATE campaigns SET lease_until = NOW(6) - INTERVAL 1 SECOND")


def test_a_lease_that_runs_out_is_taken_over_under_a_new_epoch(world: World) -> None:
    running_campaign(world)
    first, second = world.scheduler(), world.scheduler()
    first.campaign_starter.start_due()
    second.campaign_starter.start_due()
    assert second.leases.current() == []
    expire_leases(world)
    second.campaign_starter.start_due()
    assert [lease.lease_epoch for lease in second.leases.current()] == [2]
    assert world.campaign("epoch", "lease_epoch", "lease_owner") == (1, 2, second.owner)


def test_renewing_keeps_a_lease_and_finds_out_about_a_lost_one(world: World) -> None:
    running_campaign(world)
    first, second = world.scheduler(lease=1.0), world.scheduler()
    first.campaign_starter.start_due()
    until = world.campaign("lease_until")
    first.leases.renew()
    assert world.campaign("lease_until") > until
    assert len(first.leases.current()) == 1
    expire_leases(world)
    second.campaign_starter.start_due()
    until = world.campaign("lease_until")
    first.leases.renew()
    assert first.leases.current() == []
    assert world.campaign("lease_until") == until


def test_a_stopped_scheduler_gives_its_campaigns_up_at_once(world: World) -> None:
    """A stopped scheduler leaves its campaigns to others at once."""
    running_campaign(world)
    first, second = world.scheduler(), world.scheduler()
    first.campaign_starter.start_due()
    first.leases.release()
    second.campaign_starter.start_due()
    assert len(second.leases.current()) == 1


def test_a_scheduler_that_lost_its_lease_counts_nothing(world: World) -> None:
    running_campaign(world)
    first, second = world.scheduler(), world.scheduler()
    first.campaign_starter.start_due()
    first.fan_out.step()
    expire_leases(world)
    second.campaign_starter.start_due()
    before = world.campaign("published_seq", "published_count")
    first.fan_out_until(lambda: not first.leases.current())
    for _ in range(20):
        first.fan_out.step()
    assert world.campaign("published_seq", "published_count") == before
    assert world.campaign("lease_owner", "lease_until > NOW(6)") == (second.owner, 1)
    second.fan_out_until(world.all_fanned_out)
    assert world.times_published().keys() == set(range(2, 6_001, 2))


def test_a_paused_campaign_is_dropped_until_its_resume(world: World) -> None:
    """A paused campaign is dropped and taken again after its resume."""
    running_campaign(world)
    scheduler = world.scheduler()
    scheduler.campaign_starter.start_due()
    scheduler.fan_out.step()
    world.change("UPDATE campaigns SET state = 'paused', epoch = epoch + 1")
    scheduler.fan_out_until(lambda: not scheduler.leases.current())
    assert world.campaign("published_count") == (0,)
    world.change(
        "UPDATE campaigns SET state = 'running', epoch = epoch + 1, published_seq = 0,"
        " published_count = 0"
    )
    scheduler.campaign_starter.start_due()
    assert len(scheduler.leases.current()) == 1
    scheduler.fan_out_until(world.all_fanned_out)
    under_the_new_epoch = {r.seq for r in world.published() if r.campaign_epoch == 3}
    assert under_the_new_epoch == set(range(2, 6_001, 2))


def test_a_pause_and_resume_during_a_publication_loses_no_range(world: World) -> None:
    running_campaign(world)
    scheduler = world.scheduler()
    scheduler.campaign_starter.start_due()
    scheduler.fan_out.step()
    world.change("UPDATE campaigns SET epoch = epoch + 2, published_seq = 0, published_count = 0")

    def fanned_out() -> bool:
        scheduler.campaign_starter.start_due()
        return world.all_fanned_out()

    scheduler.fan_out_until(fanned_out)
    under_the_new_epoch = {r.seq for r in world.published() if r.campaign_epoch == 3}
    assert under_the_new_epoch == set(range(2, 6_001, 2))
