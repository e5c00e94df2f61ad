from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest

from campaign_common.domain.limits.day_grants import DayGrants
from campaign_common.domain.limits.provider_limits import (
    LimitUnit,
    ProviderLimits,
    RampStep,
    UnreadableLimits,
    day_of,
    end_of_day,
    known_zones,
)
from campaign_common.domain.limits.server_clock import ClockReading, ClockState, ServerClock

RAMP = (
    RampStep(date(2027, 1, 1), Decimal(1), 250),
    RampStep(date(2027, 1, 8), None, 1_000),
)
LIMITS = ProviderLimits(
    Decimal("7.5"), LimitUnit.SEGMENTS, 4, 2_000, "America/Los_Angeles", ramp=RAMP
)


@pytest.mark.parametrize(
    ("day", "per_second", "per_day"),
    [
        pytest.param(date(2026, 12, 31), "7.5", 2_000, id="before"),
        pytest.param(date(2027, 1, 1), "1", 250, id="first step"),
        pytest.param(date(2027, 1, 7), "1", 250, id="its last day"),
        pytest.param(date(2027, 1, 8), "7.5", 1_000, id="last step"),
    ],
)
def test_the_last_step_that_has_begun_stands(day: date, per_second: str, per_day: int) -> None:
    limits = LIMITS.on(day)
    assert (limits.per_second, limits.per_day) == (Decimal(per_second), per_day)


def test_limits_survive_json() -> None:
    assert ProviderLimits.of_json(LIMITS.as_json()) == LIMITS
    assert ProviderLimits.of_json(ProviderLimits().as_json()) == ProviderLimits()


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        pytest.param("UTC", date(2027, 3, 1), datetime(2027, 3, 2, tzinfo=UTC), id="utc"),
        pytest.param(
            "America/Los_Angeles",
            date(2027, 3, 14),
            datetime(2027, 3, 15, 7, tzinfo=UTC),
            id="23 hours",
        ),
        pytest.param(
            "Asia/Beirut",
            date(2027, 3, 27),
            datetime(2027, 3, 27, 22, tzinfo=UTC),
            id="no midnight",
        ),
    ],
)
def test_a_day_ends_at_midnight_of_its_zone(zone: str, day: date, ends: datetime) -> None:
    end = end_of_day(day, zone)
    assert datetime.fromtimestamp(end, UTC) == ends
    assert day_of(end - 0.001, zone) == day
    assert day_of(end, zone) > day


def test_unreadable_limits_are_told_from_others() -> None:
    for change in ({"burst": 5}, {"zone": "Mars/Olympus"}, {"unit": "bytes"}, {"per_day": "5"}):
        with pytest.raises(UnreadableLimits):
            ProviderLimits.of_json(LIMITS.as_json() | change)
    for values in (None, [], {}, {"per_second": "x"}):
        with pytest.raises(UnreadableLimits):
            ProviderLimits.of_json(values)


def test_limits_hold_from_shortly_before_their_day() -> None:
    """So that the first sends of the day are counted."""
    midnight = end_of_day(date(2026, 12, 31), "UTC")
    ramp = ProviderLimits(ramp=(RampStep(date(2027, 1, 1), Decimal(5), 250),))
    assert ramp.around(midnight - 60) == ProviderLimits()
    assert not ramp.around(midnight - 60).needs_grants
    assert ramp.around(midnight - 1) == ProviderLimits(Decimal(5), per_day=250)
    assert ramp.at(midnight - 1) == ProviderLimits()


def test_known_zones_are_those_of_every_host() -> None:
    assert {"UTC", "America/Los_Angeles", "US/Pacific"} <= known_zones()
    assert "localtime" not in known_zones()


def test_grants_of_a_day_end_with_it() -> None:
    grants = DayGrants()
    first, second = date(2027, 1, 1), date(2027, 1, 2)
    assert grants.begin(first, 100.0, 200.0)
    grants.add(first, 5)
    assert grants.take(ClockReading(150.0, 0.002), 2) == pytest.approx(199.998)
    assert grants.take(ClockReading(199.999, 0.002), 1) is None
    assert not grants.begin(first, 150.0, 250.0), "another zone has other bounds"
    assert grants.take(ClockReading(200.0, 0.002), 1) == pytest.approx(249.998)
    assert grants.begin(second, 200.0, 300.0)
    grants.add(second, 1)
    grants.add(first, 1)
    assert grants.held == 1
    assert grants.surrender() == (second, 1)
    assert grants.surrender() is None


@pytest.mark.parametrize("ppm", [400, 1_500, 10_000, 83_333, -83_333])
def test_a_clock_that_is_slewed_is_known_within_its_margin(ppm: int) -> None:
    """As chrony does after a jump: no step, and wider margins once it is seen."""
    clock = ServerClock()
    random = Random(1)  # noqa: S311 - test data
    widest = 0.0
    for turn in range(200):
        local = turn / 3
        trip = random.uniform(0.0008, 0.002)

        def server(at: float) -> float:
            return at + max(0.0, at - 10.0) * ppm / 1e6

        assert clock.add(local, local + trip, server(local + trip / 2), "one")
        for later in (0.002, 0.1, 0.3):
            reading = clock.read(local + later)
            assert reading is not None
            if not 10.0 <= local < 11.0:
                assert abs(reading.moment - server(local + later)) <= reading.margin
            widest = max(widest, reading.margin)
    assert clock.steps == 0
    assert widest <= 0.002 + 0.002 + 0.04


def test_a_clock_is_trusted_when_its_samples_agree() -> None:
    clock = ServerClock()
    assert clock.read(0.0) is None
    for n in range(3):
        assert clock.add(n, n + 0.01, 1_000 + n + 0.005, "one")
    assert clock.state(0.5) is ClockState.NEW
    assert clock.state(2.5) is ClockState.SETTLED
    reading = clock.read(2.5)
    assert reading is not None
    assert reading.moment == pytest.approx(1_002.5, abs=reading.margin)
    assert not clock.add(3.0, 3.01, 1_003.2, "one"), "a step of 0.2 s"
    assert clock.state(3.1) is ClockState.STEPPED
    assert clock.add(4.0, 4.01, 1_004.2, "one")
    assert clock.state(5.1) is ClockState.SETTLED
    assert not clock.add(6.0, 6.01, 1_006.2, "two"), "another server"
    assert clock.read(17.0) is None, "the last sample is too old"


def test_a_clock_is_steady_when_it_was_followed() -> None:
    """Samples far apart would not show a step of a second: clocks may have drifted so much."""
    clock = ServerClock()
    for n in range(6):
        clock.add(n, n + 0.01, 1_000 + n + 0.005, "one")
    assert clock.state(4.9) is ClockState.SETTLED
    assert clock.state(5.1) is ClockState.STEADY
    clock.add(60.0, 60.01, 1_060.005, "one")
    assert clock.state(61.0) is ClockState.SETTLED, "it was not followed for some time"
    for n in range(61, 66):
        clock.add(n, n + 0.01, 1_000 + n + 0.005, "one")
    assert clock.state(65.1) is ClockState.STEADY
