"""Times of turns: once in a slot, and so early that the next one is planned before it begins."""

import pytest

from campaign_common.domain.limits.server_clock import LEAST_MARGIN, ClockReading
from campaign_common.domain.limits.turn_times import TurnTimes

SLOT = 1_796_000_000
FIRST, LAST = "0000", "ffff"


def _times(sender: str, trip: float, seconds: float | None = None) -> TurnTimes:
    """Return times after a turn of so many seconds, two round trips unless given."""
    times = TurnTimes(sender)
    reading = ClockReading(SLOT, trip / 2 + LEAST_MARGIN)
    times.note(SLOT + 0.6, 2 * trip if seconds is None else seconds, reading)
    return times


@pytest.mark.parametrize(
    ("trip", "first", "last"),
    [
        pytest.param(0.0, 0.55, 0.9, id="near"),
        pytest.param(0.04, 0.55, 0.85, id="40 ms"),
        pytest.param(0.1, 0.55 - 0.1, 0.67 - 0.1, id="100 ms"),
        pytest.param(0.2, 0.27 - 0.2, 0.37 - 0.2, id="200 ms"),
        pytest.param(0.3, -0.03 - 0.3, 0.07 - 0.3, id="300 ms"),
    ],
)
def test_turns_begin_earlier_at_a_distance(trip: float, first: float, last: float) -> None:
    """Three round trips end before the slot that is planned, and one more where it is far."""
    for sender, begin in ((FIRST, first), (LAST, last)):
        times = _times(sender, trip)
        assert times.until(SLOT + 0.45, is_alone=False) == pytest.approx(0.55 + begin, abs=1e-3)
        assert times.until(SLOT + 0.45, is_alone=True) == pytest.approx(0.55 + first, abs=1e-3)
        assert times.planned_from >= 0.05


def test_a_slow_turn_begins_earlier() -> None:
    """Also where each round trip is short, as on a busy machine; and later again with fast ones."""
    slow = _times(FIRST, 0.0, seconds=0.6)
    assert slow.until(SLOT + 0.9, is_alone=False) == pytest.approx(0.1 + 0.08, abs=1e-3)
    for slot in range(1, 60):
        slow.note(SLOT + slot + 0.6, 0.01, None)
    assert slow.until(SLOT + 59.9, is_alone=False) == pytest.approx(0.1 + 0.55, abs=1e-3)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        pytest.param(0.7, 0.85, id="served: the next slot"),
        pytest.param(1.2, 0.35, id="not begun"),
        pytest.param(1.8, 0.0, id="overdue"),
        pytest.param(-5.0, 1.55, id="the clock went back"),
    ],
)
def test_a_slot_is_served_once(moment: float, until: float) -> None:
    times = _times(FIRST, 0.0)
    assert times.until(SLOT + moment, is_alone=False) == pytest.approx(until, abs=1e-3)


def test_a_read_that_is_too_early_serves_no_slot() -> None:
    times = TurnTimes(FIRST)
    times.note(SLOT + 0.3, 0.01, None)
    assert times.until(SLOT + 0.6, is_alone=True) == 0.0


@pytest.mark.parametrize(
    ("moment", "wait"),
    [
        pytest.param(0.72, 0.23, id="read in the slot before"),
        pytest.param(0.9, 0.05, id="begun in the slot before"),
        pytest.param(1.0, 0.0, id="in time"),
        pytest.param(0.5, 0.0, id="for spare grants"),
    ],
)
def test_slots_are_not_read_too_early(moment: float, wait: float) -> None:
    """In the slot before, there is nothing to plan any more."""
    times = _times(FIRST, 0.3)
    assert times.until_read(SLOT + moment) == pytest.approx(wait, abs=1e-3)
