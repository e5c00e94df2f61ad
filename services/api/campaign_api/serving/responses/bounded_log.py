"""A log of what clients cause, bounded in each second: a flood must not fill it."""

import time
from collections.abc import Callable
from typing import Any

import structlog

MOST = 20
"""Events that a process logs in a second."""

log = structlog.get_logger(__name__)


class BoundedLog:
    """Log of at most `most` events a second, and of how many were left out."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._second = 0
        self._logged = 0
        self._omitted = 0

    def warning(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - what structlog takes
        """Log a warning, or count it: the next one that is logged has `omitted`."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._logged = second, 0
        if self._logged >= self._most:
            self._omitted += 1
            return
        self._logged += 1
        if self._omitted:
            fields["omitted"], self._omitted = self._omitted, 0
        log.warning(event, **fields)
