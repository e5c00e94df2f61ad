"""Lost records are published again, and nothing else is (protocol rule 15)."""

import pytest
from structlog.testing import capture_logs

from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.message import Status
from campaign_common.domain.routing.route import Route
from campaign_common.domain.routing.routes import Routes
from campaign_scheduler.jobs.watchdog import REASON, KnownProviders, Watchdog
from campaign_scheduler.publishing.record_builder import LOST_AGAIN, MAX_REPUBLICATIONS
from tests.integration.scheduler.world import CAMPAIGN, Scheduler, World

AFTER = 60.0
ROUTES = Routes({"both": Route((("first", 1), ("second", 1)))})
LIMITS = {"first": ProviderLimits(per_day=5), "simulated": ProviderLimits(per_day=5)}
RECIPIENTS = 10
POSITION = ("epoch", "published_count", "republications")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Scene:
    """A campaign, all published, of which one message has no outcome."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.add_list(RECIPIENTS)
        world.add_campaign()
        self.scheduler: Scheduler = world.scheduler()
        self.scheduler.start_and_fan_out()
        world.count_outcomes(Status.SENT, RECIPIENTS - 1)
        self.clock = Clock()
        self.watchdog = Watchdog(
            world.databases,
            world.admin,
            topic=world.topic,
            owner=self.scheduler.owner,
            after=AFTER,
            providers=KnownProviders(ROUTES, LIMITS),
            clock=self.clock,
        )

    def check_after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.watchdog.check()

    def stand_still(self) -> None:
        """Let the watchdog see that nothing moves for long enough to act."""
        self.check_after(0)
        self.check_after(AFTER)
        self.check_after(1)


def rest(world: World, provider: str) -> None:
    """Open the breaker of a provider for an hour."""
    world.change(
        "INSERT INTO provider_breakers (provider, open_until, opened_at, opened_by, times_opened)"
        " VALUES (%s, NOW(6) + INTERVAL 1 HOUR, NOW(6), 'test', 1)",
        (provider,),
    )


def use_day(world: World, provider: str, units: int) -> None:
    """Take units of the present day, and of the next one, which may begin during the test."""
    for days in (0, 1):
        world.change(
            "INSERT INTO provider_days (provider, day, taken)"
            " VALUES (%s, CURRENT_DATE + INTERVAL %s DAY, %s)",
            (provider, days, units),
        )


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


def test_what_was_passed_without_an_outcome_is_published_again(scene: Scene, world: World) -> None:
    world.record_everything()
    with capture_logs() as lines:
        scene.stand_still()
    assert world.campaign(*POSITION) == (2, 0, 1)
    assert world.rows("SELECT reason FROM campaign_events ORDER BY id DESC LIMIT 1") == [(REASON,)]
    (line,) = [line for line in lines if line["event"] == "campaign republished"]
    assert (line["campaign"], line["lost"]) == (CAMPAIGN, 1)


def test_nothing_is_published_again_before_the_time(scene: Scene, world: World) -> None:
    world.record_everything()
    scene.check_after(0)
    scene.check_after(AFTER - 1)
    assert world.campaign(*POSITION) == (1, RECIPIENTS, 0)


def test_what_senders_have_not_reached_yet_is_not_lost(scene: Scene, world: World) -> None:
    world.record_everything()
    behind = next(n for n, end in world.log_ends().items() if end)
    world.record_shard(behind, 0)
    scene.stand_still()
    assert world.campaign(*POSITION) == (1, RECIPIENTS, 0)


def test_a_call_under_way_is_not_lost(scene: Scene, world: World) -> None:
    world.record_everything()
    world.record_shard(3, world.log_ends()[3], claimed=b"claimed")
    scene.stand_still()
    assert world.campaign(*POSITION) == (1, RECIPIENTS, 0)


def test_an_outcome_begins_the_waiting_anew(scene: Scene, world: World) -> None:
    world.record_everything()
    scene.check_after(0)
    scene.check_after(AFTER / 2)
    world.count_outcomes(Status.SENT, RECIPIENTS - 2)
    scene.check_after(AFTER / 2)
    scene.check_after(1)
    assert world.campaign(*POSITION) == (1, RECIPIENTS, 0)


def test_a_message_that_waits_for_a_retry_is_not_lost(scene: Scene, world: World) -> None:
    world.record_everything()
    world.count_outcomes(Status.SENT, RECIPIENTS)
    scene.stand_still()
    assert world.campaign(*POSITION) == (1, RECIPIENTS, 0)


def test_an_open_breaker_is_a_reason_to_stand_still(scene: Scene, world: World) -> None:
    """An open circuit breaker is a reason for a campaign to stand still."""
    world.record_everything()
    rest(world, "simulated")
    scene.stand_still()
    assert world.campaign(*POSITION) == (1, RECIPIENTS, 0)


@pytest.mark.parametrize(
    ("stopped", "is_checked"), [(["first"], True), (["first", "second"], False)]
)
def test_a_route_stands_still_while_all_its_providers_rest(
    scene: Scene, world: World, stopped: list[str], is_checked: bool
) -> None:
    world.record_everything()
    world.change("UPDATE campaigns SET provider = 'both'")
    for provider in stopped:
        rest(world, provider)
    scene.stand_still()
    assert world.campaign("republications") == (int(is_checked),)


@pytest.mark.parametrize(("taken", "is_checked"), [(4, True), (5, False)])
def test_a_used_up_day_is_a_reason_to_stand_still(
    scene: Scene, world: World, taken: int, is_checked: bool
) -> None:
    world.record_everything()
    use_day(world, "simulated", taken)
    scene.stand_still()
    assert world.campaign("republications") == (int(is_checked),)


def test_a_route_stands_still_by_breaker_and_used_up_day(scene: Scene, world: World) -> None:
    world.record_everything()
    world.change("UPDATE campaigns SET provider = 'both'")
    use_day(world, "first", 5)
    rest(world, "second")
    scene.stand_still()
    assert world.campaign("republications") == (0,)
    world.change("DELETE FROM provider_days")
    scene.stand_still()
    assert world.campaign("republications") == (1,)


def test_what_is_lost_again_and_again_travels_as_undeliverable(scene: Scene, world: World) -> None:
    world.record_everything()
    world.change("UPDATE campaigns SET republications = %s", (MAX_REPUBLICATIONS - 1,))
    scene.stand_still()
    again = world.scheduler()
    again.start_and_fan_out()
    last = [record for record in world.published() if record.campaign_epoch == 2]
    assert len(last) == RECIPIENTS
    assert {record.undeliverable for record in last} == {LOST_AGAIN}
