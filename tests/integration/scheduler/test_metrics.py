"""Values that a scheduler counts for its metrics."""

from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import Status
from campaign_scheduler.jobs.collect_gauges import GaugeCollector
from campaign_scheduler.jobs.watchdog import KnownProviders, Watchdog
from campaign_scheduler.metrics import COUNTERS
from tests.integration.scheduler.world import CAMPAIGN, World
from tests.support.counting import Increases

RECIPIENTS = 10


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_campaign_stands_still_until_anything_happens_to_it(world: World) -> None:
    world.add_list(RECIPIENTS)
    world.add_campaign()
    scheduler, clock = world.scheduler(), Clock()
    gauges = GaugeCollector(world.databases, scheduler.owner, clock=clock)

    def standstill_after(seconds: float) -> float:
        clock.now += seconds
        gauges.collect()
        return gauges.longest_stall

    assert standstill_after(0) == 0
    scheduler.start_and_fan_out()
    assert standstill_after(5) == 0
    assert standstill_after(5) == 5
    world.count_outcomes(Status.WAITING, 3)  # waits, and has not moved
    assert standstill_after(5) == 10
    world.count_outcomes(Status.SENT, 1)
    assert standstill_after(5) == 0
    clock.now += 7
    assert gauges.longest_stall == 7  # told from the clock, between two looks too
    world.count_outcomes(Status.WAITING, 0)
    world.count_outcomes(Status.SENT, RECIPIENTS)
    scheduler.campaign_finisher.finish_complete()
    assert standstill_after(5) == 0


def test_totals_are_of_what_is_not_settled(world: World) -> None:
    world.add_list(RECIPIENTS)
    world.add_campaign()
    world.add_campaign(CAMPAIGN + 1)
    scheduler = world.scheduler()
    scheduler.start_and_fan_out()
    for campaign in (CAMPAIGN, CAMPAIGN + 1):
        world.count_outcomes(Status.WAITING, 4, campaign)
        world.change(
            "INSERT INTO possibly_sent (campaign_id, seq, generation, try_number, shard)"
            " VALUES (%s, 2, 0, 1, 0), (%s, 2, 0, 2, 0)",
            (campaign, campaign),  # two tries of one message
        )
    world.change("UPDATE campaigns SET state = 'cancelled' WHERE id = %s", (CAMPAIGN,))
    gauges = GaugeCollector(world.databases, scheduler.owner)
    gauges.collect()
    assert gauges.totals is not None
    campaigns, waiting, possibly_sent = gauges.totals
    assert (waiting, possibly_sent) == (4, 1)
    assert set(campaigns) == set(CampaignState)
    assert {state: n for state, n in campaigns.items() if n} == {
        CampaignState.CANCELLED: 1,
        CampaignState.RUNNING: 1,
    }


def test_published_recipients_count_once_and_so_does_a_lease(world: World) -> None:
    world.add_list(3_000)
    world.add_campaign()
    increases = Increases(COUNTERS)
    first, second = world.scheduler(), world.scheduler()
    first.start_and_fan_out()
    assert increases.sum("campaign_recipients_published_total") == 3_000
    assert increases.of("campaign_lease_changes_total") == {("acquired",): 1}
    world.change("UPDATE campaigns SET lease_until = NOW(6) - INTERVAL 1 SECOND")
    second.campaign_starter.start_due()
    first.leases.renew()
    assert increases.of("campaign_lease_changes_total") == {("acquired",): 2, ("ended",): 1}


def test_the_watchdog_counts_what_it_has_published_again(world: World) -> None:
    world.add_list(RECIPIENTS)
    world.add_campaign()
    scheduler, clock = world.scheduler(), Clock()
    scheduler.start_and_fan_out()
    world.count_outcomes(Status.SENT, RECIPIENTS - 3)
    world.record_everything()
    watchdog = Watchdog(
        world.databases,
        world.admin,
        topic=world.topic,
        owner=scheduler.owner,
        after=60,
        providers=KnownProviders(),
        clock=clock,
    )
    increases = Increases(COUNTERS)
    for moment in (0.0, 60.0, 61.0):
        clock.now = moment
        watchdog.check()
    assert increases.sum("campaign_watchdog_checks_total") == 3
    assert increases.sum("campaign_watchdog_republications_total") == 1
    assert increases.sum("campaign_records_lost_total") == 3
