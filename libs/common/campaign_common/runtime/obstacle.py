"""The obstacle that a part of a process waits for, told once when it changes and when it ends."""

import re
from collections.abc import Callable
from time import monotonic

REPEAT_AFTER = 60.0
"""Seconds until an obstacle that comes back between others is told again."""

_VARYING = re.compile(r"\d+")
"""Ports, attempts and durations, which make no new obstacle."""


class Obstacle:
    """Log of an obstacle: one line for many failures in a row, and one for its end.

    A failure is, when it differs from the one before: a service that waits for a right, and then
    for another one, says both. Two failures that take turns are told once a minute.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._current: str | None = None
        self._since = 0.0
        self._told_at: dict[str, float] = {}

    def met(self, error: str) -> bool:
        """Note a failure; return whether it is to be told."""
        now = self._clock()
        kind = _VARYING.sub("", error)
        if self._current is None:
            self._since = now
        if kind == self._current:
            return False
        self._current = kind
        told_at = self._told_at.get(kind)
        if told_at is not None and now - told_at < REPEAT_AFTER:
            return False
        self._told_at[kind] = now
        return True

    def overcome(self) -> float | None:
        """Note a success; return after how many seconds, or None where nothing had failed."""
        if self._current is None:
            return None
        self._current = None
        self._told_at.clear()
        return self._clock() - self._since
