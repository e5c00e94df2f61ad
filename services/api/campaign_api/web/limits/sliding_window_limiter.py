"""Sliding-window counter of requests per key, with two numbers for each key.

The library `limits` starts a thread with nearly every request, and the request waits for that.
"""

import threading
import time
from collections.abc import Callable
from math import floor, inf
from typing import NamedTuple


class LimitDecision(NamedTuple):
    """The decision on a request, the requests that are left, and seconds until there are more.

    There are more when a request of the previous window has left the sliding one, or when all of
    the current window have.
    """

    admitted: bool
    left: int
    seconds: float


class _Window(NamedTuple):
    """The number of requests in one fixed window, and in the one before it."""

    number: int
    requests: int
    before: int


class SlidingWindowLimiter:
    """Limiter of the requests of each key; thread-safe.

    The count is that of the current window, plus the part of the previous one that is less than a
    window's length ago: no key gets twice its limit around the turn of a minute.
    """

    def __init__(
        self, limit: int, window: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Admit `limit` requests of a key in `window` seconds."""
        self._limit = limit
        self._window = window
        self._clock = clock
        self._counting = threading.Lock()
        self._windows: dict[str, _Window] = {}

    def count(self, key: str) -> LimitDecision:
        """Count a request, unless it exceeds the limit of its key."""
        number, elapsed = divmod(self._clock(), self._window)
        with self._counting:
            window = self._at(key, int(number))
            recent = window.before * (1 - elapsed / self._window) + window.requests
            admitted = recent + 1 <= self._limit
            if admitted:
                window = window._replace(requests=window.requests + 1)
                recent += 1
            self._windows[key] = window
        left = max(0, self._limit - floor(recent))
        return LimitDecision(admitted, left, self._until_more(window, self._window - elapsed))

    def _at(self, key: str, number: int) -> _Window:
        earlier = self._windows.get(key, _Window(number, 0, 0))
        if earlier.number == number:
            return earlier
        return _Window(number, 0, earlier.requests if earlier.number == number - 1 else 0)

    def _until_more(self, window: _Window, remaining: float) -> float:
        next_leaves = remaining % (self._window / window.before) if window.before else inf
        return min(next_leaves, remaining)
