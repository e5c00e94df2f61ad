"""Grants that are leased too late: said once, and when it is over."""

from decimal import Decimal

import pytest
import structlog

from campaign_common.domain.limits.planning import StoredSlot
from campaign_common.domain.limits.slots import SlotPlan
from campaign_common.runtime.late_slots import LateSlots


def test_late_slots_are_said_once() -> None:
    """Not the two blank ones at the beginning, or behind one that was missed."""
    late = LateSlots("limits of http")
    with structlog.testing.capture_logs() as logs:
        for is_late in [True, True, True, False, True]:
            late.note(is_late=is_late)
        assert not late.is_late
        assert logs == []
        for _ in range(9):
            late.note(is_late=True)
        assert late.is_late
        for _ in range(24):
            late.note(is_late=False)
        assert not late.is_late
    assert [(one["event"], one["component"]) for one in logs] == [
        ("grants leased too late, sends delayed", "limits of http"),
        ("grants leased in time again", "limits of http"),
    ]


@pytest.mark.parametrize(("per_second", "quota", "blank"), [("2", 0, True), ("2", 2, False)])
def test_a_slot_is_blank_below_its_rate(per_second: str, quota: int, *, blank: bool) -> None:
    plan = SlotPlan(1_796_000_000, quota, Decimal(per_second), {})
    assert StoredSlot(plan, 0, "one").is_blank is blank
