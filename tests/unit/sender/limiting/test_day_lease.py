"""Units of a day, leased by one sender."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from campaign_common.domain.limits.provider_limits import ProviderLimits, end_of_day
from campaign_common.domain.limits.server_clock import ClockReading
from campaign_sender.limiting.day_lease import ASKED_AGAIN, DAY_TURN, DayLease
from tests.unit.sender.limiting.tables import BEGIN, Tables

LIMITS = ProviderLimits(per_day=1_000)


class Leaser:
    """A lease, and the limits that hold."""

    def __init__(self, tables: Tables, limits: ProviderLimits = LIMITS) -> None:
        self.tables = tables
        self.limits = limits
        database: Any = tables
        self.lease = DayLease(database, "http", tables.clock, self.reading)

    def reading(self) -> ClockReading:
        return ClockReading(self.tables.moment, 0.002)

    def turn(self, wanted: int, cost: int = 1, *, turns: int = 1) -> None:
        for _ in range(turns):
            self.tables.now += DAY_TURN
            self.lease.turn(self.limits, wanted, cost)

    @property
    def rests(self) -> bool:
        return self.lease.used_up_until is not None


@pytest.fixture
def leaser(tables: Tables) -> Leaser:
    return Leaser(tables)


def use(leaser: Leaser, turns: int, most: int) -> int:
    """Use up to so many units a turn; return their number."""
    used = 0
    for _ in range(turns):
        leaser.turn(10_000)
        units = min(most, leaser.lease.available())
        if units and leaser.lease.take(units) is not None:
            used += units
    return used


def test_a_sender_that_begins_has_its_full_rate_within_six_turns(leaser: Leaser) -> None:
    leaser.limits = replace(LIMITS, per_day=1_000_000)
    use(leaser, 5, 4_000)
    assert use(leaser, 1, 4_000) == 4_000


def test_a_lease_grows_to_a_quarter_second_of_what_is_used(leaser: Leaser) -> None:
    leaser.limits = replace(LIMITS, per_day=1_000_000)
    use(leaser, 20, 50)
    assert use(leaser, 20, 50) == 20 * 50
    assert leaser.lease.available() <= 125


def test_leases_are_made_in_every_second_turn_only(leaser: Leaser) -> None:
    leaser.limits = replace(LIMITS, per_day=1_000_000)
    use(leaser, 20, 50)
    leaser.tables.statements.clear()
    use(leaser, 20, 50)
    assert leaser.tables.statements.count("take of day") <= 11


def test_nothing_is_leased_while_nothing_is_wanted(leaser: Leaser) -> None:
    leaser.turn(0, turns=20)
    assert leaser.tables.statements == []
    leaser.turn(1, turns=20)
    assert leaser.tables.statements == ["take of day"]


def test_a_message_of_several_units_is_leased_whole(leaser: Leaser) -> None:
    """Also behind a pause, after which one unit is held."""
    leaser.turn(1)
    assert leaser.lease.available() == 1
    leaser.turn(1, cost=3)
    assert leaser.lease.available() == 3
    assert leaser.lease.take(3) is not None


def test_a_day_that_is_too_small_for_a_message_is_used_up(leaser: Leaser) -> None:
    leaser.limits = replace(LIMITS, per_day=4)
    leaser.turn(3, cost=3)
    assert leaser.lease.take(3) is not None
    leaser.turn(3, cost=3)
    assert leaser.rests
    assert leaser.lease.available() == 1


def test_a_used_up_day_rests_until_it_ends(leaser: Leaser) -> None:
    """Whatever is wanted meanwhile, and without a statement in each turn."""
    leaser.limits = replace(LIMITS, per_day=3)
    use(leaser, 5, 3)
    states = set()
    leaser.tables.statements.clear()
    turns = 100
    for turn in range(turns):
        leaser.turn(500 if turn % 8 == 0 else 0)
        states.add(leaser.rests)
    assert states == {True}
    assert len(leaser.tables.statements) <= turns * DAY_TURN / ASKED_AGAIN + 1
    leaser.tables.now += 86_400
    leaser.turn(5)
    assert not leaser.rests
    assert leaser.lease.available() > 0


def test_units_that_others_return_end_the_rest(leaser: Leaser) -> None:
    leaser.limits = replace(LIMITS, per_day=3)
    use(leaser, 5, 3)
    (day,) = leaser.tables.days
    leaser.tables.days[day] = 1
    leaser.tables.now += ASKED_AGAIN
    leaser.turn(5)
    assert not leaser.rests


def test_other_limits_end_the_rest_and_return_what_is_held(leaser: Leaser) -> None:
    leaser.limits = replace(LIMITS, per_day=3)
    use(leaser, 5, 3)
    leaser.limits = replace(LIMITS, per_day=10)
    leaser.turn(5, cost=2)
    assert not leaser.rests
    (day,) = leaser.tables.days
    assert leaser.tables.days[day] == 3 + leaser.lease.available()
    leaser.limits = replace(LIMITS, per_day=2)
    leaser.lease.suspend()
    assert leaser.lease.available() == 0
    assert leaser.lease.take(1) is None, "units of the old limits"
    leaser.turn(5)
    assert leaser.rests
    assert leaser.tables.days[day] == 3


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        pytest.param("America/Los_Angeles", date(2026, 11, 30), id="the same day"),
        pytest.param("Asia/Tokyo", date(2026, 12, 1), id="another day"),
    ],
)
def test_another_zone_has_another_day(leaser: Leaser, zone: str, day: date) -> None:
    """The day ends as in the new zone; one of the same date goes on."""
    leaser.tables.now = datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC).timestamp() - BEGIN
    use(leaser, 8, 3)
    counted = leaser.tables.days[date(2026, 11, 30)]
    leaser.limits = replace(LIMITS, zone=zone)
    assert use(leaser, 8, 3) == 24
    until = leaser.lease.take(1)
    assert until is not None
    assert until + BEGIN == pytest.approx(end_of_day(day, zone), abs=0.01)
    leaser.tables.now += 60
    assert use(leaser, 8, 3) > 0, "past the midnight of the old zone"
    assert leaser.tables.days[day] > (counted if day.month == 11 else 0)


def test_what_is_left_is_returned_once(leaser: Leaser) -> None:
    use(leaser, 5, 3)
    (day,) = leaser.tables.days
    used = leaser.tables.days[day] - leaser.lease.available()
    leaser.lease.return_unused()
    leaser.lease.return_unused()
    assert leaser.tables.days[day] == used


def test_units_of_another_day_are_not_returned(leaser: Leaser) -> None:
    leaser.turn(1)
    day = leaser.lease.day
    assert day is not None
    leaser.tables.now += 86_400
    leaser.turn(1)
    held = leaser.lease.available()
    leaser.lease.return_units(day, 5)
    assert leaser.lease.available() == held
    assert leaser.lease.day is not None
    leaser.lease.return_units(leaser.lease.day, 1)
    assert leaser.lease.available() == held + 1
