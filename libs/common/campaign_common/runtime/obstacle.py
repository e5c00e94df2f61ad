"""Obstacle: what a part of a process waits for, logged once when it changes and when it ends."""

import re
from collections.abc import Callable
from time import monotonic

REPEAT_AFTER = 60.0
"""Seconds until an error that alternates with others is logged again."""

_VARYING = re.compile(r"\d+")
"""Ports, attempts and durations: errors that differ in these alone count as the same."""


class Obstacle:
    """Decision which of many failures in a row are logged.

    The first one is, and each that differs from the one before. Of errors that alternate, each is
    logged once a minute. The caller logs.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._current: str | None = None
        self._since = 0.0
        self._logged_at: dict[str, float] = {}

    def met(self, error: str) -> bool:
        """Note a failure; return whether it is to be logged."""
        now = self._clock()
        kind = _VARYING.sub("", error)
        if self._current is None:
            self._since = now
        if kind == self._current:
            return False
        self._current = kind
        logged_at = self._logged_at.get(kind)
        if logged_at is not None and now - logged_at < REPEAT_AFTER:
            return False
        self._logged_at[kind] = now
        return True

    def overcome(self) -> float | None:
        """Note a success; return the seconds since the first failure, None where there was none."""
        if self._current is None:
            return None
        self._current = None
        self._logged_at.clear()
        return self._clock() - self._since
