"""How many requests each key has sent lately: a sliding window, kept as two numbers a key.

The library `limits` starts a thread with nearly every request, and the request waits for that.
"""

import threading
import time
from collections.abc import Callable
from math import floor, inf
from typing import NamedTuple


class Admission(NamedTuple):
    """Whether a request is within its key's share, what is left of it, and for how many seconds.

    After these there is more: another request of the last window has left the sliding one, or
    all of the present one have.
    """

    admitted: bool
    left: int
    seconds: float


class _Window(NamedTuple):
    """The requests of one window by the clock, and of the one before it."""

    number: int
    requests: int
    before: int


class RequestCounts:
    """Counts by key; any thread may ask.

    What counts is the present window, and of the one before it the share that is within a
    window's length of now: no key gets twice its share around the turn of a minute.
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

    def count(self, key: str) -> Admission:
        """Count a request, unless it is beyond its key's share."""
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
        return Admission(admitted, left, self._until_more(window, self._window - elapsed))

    def _at(self, key: str, number: int) -> _Window:
        earlier = self._windows.get(key, _Window(number, 0, 0))
        if earlier.number == number:
            return earlier
        return _Window(number, 0, earlier.requests if earlier.number == number - 1 else 0)

    def _until_more(self, window: _Window, remaining: float) -> float:
        next_leaves = remaining % (self._window / window.before) if window.before else inf
        return min(next_leaves, remaining)
