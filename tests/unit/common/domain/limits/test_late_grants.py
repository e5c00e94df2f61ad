"""Grants that are used late: how long they last, and what that adds to a second."""

from bisect import bisect_left
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.limits.grants import SlotGrants
from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.domain.limits.slots import EXACT_UP_TO, GRANT_LIFETIME, SlotPlan

SLOT = 1_800_000_000


def reading_at(second: float) -> ClockReading:
    return ClockReading(SLOT + second, 0.002)


@given(
    st.lists(st.integers(1, 100), min_size=3, max_size=6),
    st.integers(EXACT_UP_TO + 1, 9_000),
)
def test_late_grants_exceed_no_second_by_more_than_a_twentieth(
    parts: list[int], quota: int
) -> None:
    """Whatever part of each slot senders hold, and though all spare grants are taken as well."""
    intervals: list[tuple[float, float]] = []
    for slot, part in enumerate(parts):
        plan = SlotPlan(slot, quota, Decimal(quota), {"a": quota * part // 100})
        for sender, latest in (("a", plan.latest), (None, GRANT_LIFETIME)):
            instants = plan.instants(sender)
            for index in range(len(instants)):
                at = instants.at(index)
                intervals.append((at, min(at + latest, slot + 1)))
    first, last = sorted(at for at, _ in intervals), sorted(until for _, until in intervals)
    for begin in range(0, 100 * (len(parts) - 1), 4):
        moment = begin / 100
        # Those that could start in this second: they are due before its end, and not over before.
        could = bisect_left(first, moment + 1) - bisect_left(last, moment)
        assert could <= 1.05 * quota + 1


def test_a_grant_of_a_small_part_lasts_longer() -> None:
    plan = SlotPlan(SLOT, 1_000_000, Decimal(1_000_000), {"a": 500_000})
    assert plan.latest == pytest.approx(0.06)
    grants = SlotGrants("a")
    grants.add_share(plan, 0.0)
    taken = grants.take_up_to(reading_at(0.5), 20_000)
    assert taken is not None
    assert taken.units == 20_000
    assert taken.end >= SLOT + 0.5 + 0.015
    assert grants.take_up_to(reading_at(0.995), 1) is not None
