"""Requests that a key may send within any minute, by a clock that the tests turn."""

from hypothesis import given
from hypothesis import strategies as st

from campaign_api.web.limits.sliding_window_limiter import LimitDecision, SlidingWindowLimiter

LIMIT = 10
WINDOW = 60


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0 * WINDOW

    def __call__(self) -> float:
        return self.now


def admitted_of(limiter: SlidingWindowLimiter, requests: int, key: str = "a") -> int:
    return sum(limiter.count(key).admitted for _ in range(requests))


def test_a_key_may_send_its_share_and_no_more() -> None:
    limiter = SlidingWindowLimiter(LIMIT, WINDOW, Clock())
    assert [limiter.count("a").left for _ in range(LIMIT)] == list(reversed(range(LIMIT)))
    assert limiter.count("a") == LimitDecision(admitted=False, left=0, seconds=WINDOW)
    assert limiter.count("b").admitted


def test_the_share_of_the_last_minute_comes_back_as_it_passes() -> None:
    clock = Clock()
    limiter = SlidingWindowLimiter(LIMIT, WINDOW, clock)
    assert admitted_of(limiter, 2 * LIMIT) == LIMIT
    clock.now += WINDOW
    assert limiter.count("a") == LimitDecision(admitted=False, left=0, seconds=0)
    clock.now += WINDOW / 2
    assert admitted_of(limiter, LIMIT) == LIMIT / 2
    clock.now += 1
    refused = limiter.count("a")
    assert not refused.admitted
    clock.now += refused.seconds
    assert limiter.count("a").admitted


def test_after_two_quiet_minutes_nothing_is_left_of_the_past() -> None:
    clock = Clock()
    limiter = SlidingWindowLimiter(LIMIT, WINDOW, clock)
    assert admitted_of(limiter, LIMIT) == LIMIT
    clock.now += 2 * WINDOW
    assert admitted_of(limiter, 2 * LIMIT) == LIMIT


@given(st.lists(st.floats(0, WINDOW), max_size=100))
def test_no_window_by_the_clock_has_more_than_the_share(pauses: list[float]) -> None:
    clock = Clock()
    limiter = SlidingWindowLimiter(LIMIT, WINDOW, clock)
    admitted: dict[float, int] = {}
    for pause in pauses:
        clock.now += pause
        answer = limiter.count("a")
        assert 0 <= answer.left <= LIMIT
        assert 0 <= answer.seconds <= WINDOW
        admitted[clock.now // WINDOW] = admitted.get(clock.now // WINDOW, 0) + answer.admitted
    assert all(n <= LIMIT for n in admitted.values())
