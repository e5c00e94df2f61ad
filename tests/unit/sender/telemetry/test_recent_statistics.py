"""Statistics of the last minute, by the counters of the metrics."""

from collections.abc import Iterator
from typing import Any

import pytest

from campaign_common.metrics.distribution import SECONDS, BatchHistogram
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.metrics import SEND_RESULTS
from campaign_sender.telemetry.recent_statistics import RecentStatistics

NAME = "statistics-test"

SETTINGS = {"Limits.PerDay": "5"}


class Route:
    is_asked_to_wait = False

    def __init__(self) -> None:
        self.breaker = CircuitBreaker(BreakerPolicy(), lambda: 0.0)
        self.provider = self
        self.durations = BatchHistogram(SECONDS)


@pytest.fixture
def route() -> Iterator[Route]:
    yield Route()
    for status in ("accepted", "throttled", "circuit_open"):
        SEND_RESULTS.remove(NAME, status)


def test_only_the_last_minute_counts(route: Any) -> None:  # noqa: ANN401 - stands in for a route
    now = [0.0]
    recent = RecentStatistics({NAME: route}, {NAME: SETTINGS}, lambda: now[0])

    def happen(accepted: int, throttled: int, seconds: float) -> None:
        SEND_RESULTS.labels(NAME, "accepted").inc(accepted)
        SEND_RESULTS.labels(NAME, "throttled").inc(throttled)
        SEND_RESULTS.labels(NAME, "circuit_open").inc(100)
        route.durations.add([seconds] * (accepted + throttled))

    happen(5, 0, 0.02)
    now[0] = 5.0
    first = recent.read()[NAME]
    assert (first.span, first.answers) == (5.0, {"accepted": 5})
    assert (first.durations[1], first.breaker) == (5, "closed")
    assert first.settings == SETTINGS
    happen(0, 3, 0.2)
    for now[0] in range(10, 70, 5):
        last = recent.read()[NAME]
    assert (last.span, last.answers, last.durations[1]) == (60.0, {"throttled": 3}, 3)
    now[0] = 75.0
    assert recent.read()[NAME].answers == {}
