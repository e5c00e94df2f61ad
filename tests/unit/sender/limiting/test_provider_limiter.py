"""Limits of one provider, as one sender keeps them, over slots and days."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from campaign_common.domain.limits.provider_limits import (
    LimitUnit,
    ProviderLimits,
    RampStep,
    day_of,
    end_of_day,
)
from campaign_common.domain.sms_segments import Segmentation, segmentation
from campaign_common.store.limits.live_limits import LiveLimits
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.limit_leases import LIVE_INTERVAL
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.limiting.slot_lease import IDLE_AFTER
from campaign_sender.message import Message
from tests.unit.sender.limiting.tables import BEGIN, Tables
from tests.unit.sender.messages import message

TICK = 0.01


class Paced:
    """A limiter whose messages start as soon as they may."""

    def __init__(self, tables: Tables, limits: ProviderLimits, sender: str = "aa") -> None:
        database: Any = tables
        self.tables = tables
        self.clock = DatabaseClock(tables.clock)
        self._followed_at = 0.0
        self.limiter = ProviderLimiter(database, "http", sender * 8, limits, self.clock)
        self.limiter.set_live(None, moment=tables.moment)
        self.waiting = 500
        self.text = "hi"
        self.started: list[float] = []
        self._head: Message | None = None
        self._claimed = 0
        self._turn_at = 0.0

    def run(self, seconds: float) -> int:
        """Start what may start; return its number."""
        before, end = len(self.started), self.tables.now + seconds
        while self.tables.now < end:
            self.tables.now += TICK
            self.step()
        return len(self.started) - before

    def step(self) -> None:
        """Claim, turn and start at one moment."""
        if self.tables.now >= self._followed_at:
            self._followed_at = self.tables.now + LIVE_INTERVAL
            self.clock.add(self.tables.now, self.tables.moment, "one")
        if self.tables.now >= self._turn_at or self.limiter.is_due(self.waiting):
            self._turn_at = self.tables.now + self.limiter.turn(self.waiting)
        more = self.limiter.claimable(0.25, self._claimed)
        self._claimed += min(self.waiting, 1 if more is None else more)
        while self._claimed > 0 and self._start():
            self._claimed -= 1
            self.started.append(self.tables.now)

    def _start(self) -> bool:
        limiter = self.limiter
        if limiter.limits.unit is LimitUnit.MESSAGES:
            return limiter.take(1) is not None
        if self._head is None:
            self._head = message()
            self._head.record = replace(self._head.record, body=self.text)
        if limiter.take_for(limiter.cost_of(self._head)) is None:
            return False
        self._head = None
        return True


def test_what_waited_moments_ago_is_wanted_in_the_next_slot(tables: Tables) -> None:
    """A sender claims by batches: at the moment of its turn nothing may wait."""
    paced = Paced(tables, ProviderLimits(Decimal(100)))
    paced.run(4.9)
    paced.waiting = 0
    assert paced.run(0.9) > 0
    paced.waiting = 500
    assert paced.run(1.2) >= 90


def test_what_comes_between_two_turns_takes_spare_grants(tables: Tables) -> None:
    """Nobody wanted the grants of the running slot when it was planned."""
    paced = Paced(tables, ProviderLimits(Decimal(1_000)))
    paced.waiting = 0
    paced.run(7.1)
    paced.waiting = 50
    assert paced.run(0.4) >= 20


def test_messages_behind_an_idle_minute_wait_for_the_next_slot(tables: Tables) -> None:
    paced = Paced(tables, ProviderLimits(Decimal(100)))
    paced.run(5)
    paced.waiting = 0
    paced.run(IDLE_AFTER + 5)
    paced.waiting = 500
    assert paced.run(1.5) >= 20


SEGMENTS = LimitUnit.SEGMENTS


@pytest.mark.parametrize(
    ("limits", "characters", "least"),
    [
        pytest.param(ProviderLimits(None, SEGMENTS, None, 10_000_000), 400, 50, id="day"),
        pytest.param(ProviderLimits(Decimal(10), SEGMENTS), 700, 20, id="half a second"),
        pytest.param(ProviderLimits(Decimal(1), SEGMENTS), 300, 5, id="two seconds"),
        pytest.param(ProviderLimits(Decimal(4), SEGMENTS, None, 1_000), 200, 20, id="rate and day"),
    ],
)
def test_messages_of_several_segments_are_sent(
    tables: Tables, limits: ProviderLimits, characters: int, least: int
) -> None:
    """Also one that waits alone."""
    paced = Paced(tables, limits)
    paced.text = "x" * characters
    for waiting in (20, 1):
        paced.waiting = waiting
        paced.run(6)
        assert paced.run(15) >= least
    if limits.per_second is not None:
        fullest = max(sum(a <= b < a + 1 for b in paced.started) for a in paced.started)
        cost = segmentation(paced.text).segments
        assert fullest * cost <= 1.05 * float(limits.per_second) + cost


def test_a_day_of_segments_is_used_up_when_no_message_fits(tables: Tables) -> None:
    paced = Paced(tables, ProviderLimits(None, SEGMENTS, None, 7))
    paced.text = "x" * 200
    assert paced.run(5) == 3
    assert paced.limiter.day_used_up_for > 0
    assert sum(tables.days.values()) == 7


def test_segments_are_counted_once(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def count(text: str) -> Segmentation:
        counted.append(text)
        return segmentation(text)

    monkeypatch.setattr("campaign_sender.limiting.provider_limiter.segmentation", count)
    limiter = Paced(tables, ProviderLimits(Decimal(1), SEGMENTS)).limiter
    one = message()
    assert [limiter.cost_of(one) for _ in range(3)] == [1, 1, 1]
    assert len(counted) == 1


def test_a_ramp_that_lies_ahead_limits_nothing_today(tables: Tables) -> None:
    """From two seconds before its day on, nothing starts until it has begun."""
    today = day_of(tables.moment, "UTC")
    ramp = (RampStep(today + timedelta(days=2), Decimal(5), 20),)
    paced = Paced(tables, ProviderLimits(ramp=ramp))
    assert not paced.limiter.needs_grants
    assert paced.limiter.claimable(0.25, 0) is None
    assert paced.run(1) >= 90
    midnight = end_of_day(today + timedelta(days=1), "UTC")
    tables.now = midnight - BEGIN - 1.5
    paced.limiter.set_live(None, moment=tables.moment)
    assert paced.limiter.needs_grants
    paced.run(30)
    counted = [at for at in paced.started if at > midnight - BEGIN - 1.5]
    assert len(counted) == 20
    assert min(counted) + BEGIN >= midnight
    assert tables.days[today + timedelta(days=2)] == 20


def test_limits_of_a_day_need_no_slots(tables: Tables) -> None:
    paced = Paced(tables, ProviderLimits(per_day=50))
    assert paced.run(5) == 50
    assert tables.slots == {}
    assert tables.demands == {}
    assert tables.statements.count("read slots") <= 3


def test_an_idle_provider_costs_nothing(tables: Tables) -> None:
    paced = Paced(tables, ProviderLimits(Decimal(5)))
    paced.run(5)
    paced.waiting = 0
    paced.run(IDLE_AFTER + 2)
    tables.statements.clear()
    tables.slots.clear()
    paced.run(5)
    assert tables.statements == []
    paced.waiting = 5
    assert paced.run(8) > 0


def test_nothing_is_granted_by_limits_that_were_not_read(tables: Tables) -> None:
    """A provider without limits may have some by now."""
    limiter = Paced(tables, ProviderLimits()).limiter
    limiter.set_live(None, moment=tables.moment, fresh_until=tables.now + 1.0)
    assert not limiter.needs_grants
    assert limiter.take(3) is not None
    tables.now += 1.5
    assert limiter.needs_grants
    assert (limiter.claimable(0.25, 0), limiter.due(), limiter.take(3)) == (0, 0, None)
    assert limiter.take_for(1) is None
    limiter.set_live(None, moment=tables.moment, fresh_until=tables.now + 1.0)
    assert limiter.claimable(0.25, 0) is None


def test_a_slot_of_replaced_limits_is_not_planned(tables: Tables) -> None:
    """By a sender that was stopped while they were replaced."""
    paced = Paced(tables, ProviderLimits(Decimal(50)))
    paced.run(6)
    tables.live["http"] = LiveLimits(ProviderLimits(Decimal(5)), 7)
    latest = max(tables.slots)
    paced.run(3)
    assert max(tables.slots) == latest
    paced.limiter.set_live(ProviderLimits(Decimal(5)), 7, tables.moment)
    paced.run(3)
    assert {tables.slots[slot].plan.quota for slot in tables.slots if slot > latest} <= {0, 5}
    assert max(tables.slots) > latest


def test_one_that_is_alone_plans_early(tables: Tables) -> None:
    """Whatever its name: a pause of the process leaves no gap."""
    limiter = Paced(tables, ProviderLimits(Decimal(5)), sender="ff")
    moments = []
    for _ in range(600):
        tables.now += TICK
        before = len(tables.slots)
        limiter.step()
        if len(tables.slots) > before:
            moments.append(tables.moment % 1)
    assert len(moments) >= 5
    assert max(moments[1:]) < 0.65


def test_units_of_a_day_are_returned_to_it(tables: Tables) -> None:
    paced = Paced(tables, ProviderLimits(per_day=5))
    paced.waiting = 2
    paced.limiter.turn(2)
    taken = paced.limiter.take(1)
    assert taken is not None
    assert isinstance(taken.day, date)
    assert paced.limiter.due() == 0
    paced.limiter.return_units(taken.day, 1)
    assert paced.limiter.due() == 1
