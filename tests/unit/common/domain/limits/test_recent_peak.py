"""The largest value of the last moments."""

from hypothesis import given
from hypothesis import strategies as st

from campaign_common.domain.limits.recent_peak import RecentPeak

SPAN = 5


def test_nothing_was_noted() -> None:
    assert RecentPeak(SPAN).value == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10))))
def test_the_largest_of_the_last_seconds(steps: list[tuple[int, int]]) -> None:
    peak, now = RecentPeak(SPAN), 0
    noted: list[tuple[int, int]] = []
    for pause, value in steps:
        now += pause
        noted.append((now, value))
        peak.note(now, value)
        assert peak.value == max(v for at, v in noted if now - at <= SPAN)
