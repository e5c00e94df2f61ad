"""Waits after failures grow to a bound."""

from campaign_common.runtime.backoff import Backoff


def test_waits_double_to_a_bound_until_a_success() -> None:
    waits: list[float] = []
    backoff = Backoff(waits.append, first=1.0, longest=5.0)
    for _ in range(4):
        backoff.pause()
    backoff.succeeded()
    backoff.pause()
    assert waits == [1.0, 2.0, 4.0, 5.0, 1.0]


def test_jitter_shortens_waits_and_never_lengthens_them() -> None:
    waits: list[float] = []
    backoff = Backoff(waits.append, first=1.0, longest=1.0, jitter=0.5)
    for _ in range(100):
        backoff.pause()
    assert 0.5 <= min(waits) < max(waits) <= 1.0
