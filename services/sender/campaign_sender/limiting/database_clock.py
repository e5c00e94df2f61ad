"""Database clock: the database server's time as this process knows it, for all limits."""

import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog

from campaign_common.domain.limits.server_clock import ClockReading, ClockState, ServerClock
from campaign_common.runtime.outage_log import Outage

log = structlog.get_logger()


class SteppedReading(NamedTuple):
    """Reading of the clock, and how often it was stepped before."""

    reading: ClockReading | None
    """None: the server's time is not known."""
    steps: int


class DatabaseClock:
    """Server's time, counted by `local`, which must include suspension; safe for all threads."""

    def __init__(self, local: Callable[[], float]) -> None:
        self.local = local
        self._lock = threading.Lock()
        self._server_clock = ServerClock()
        self._stepped = Outage(
            "clock of the database server has changed, no grants for some seconds",
            "clock of the database server is trusted again",
            log,
        )

    def add(self, began: float, moment: float, server: str) -> None:
        """Add a reading that was begun at a local time and has just ended."""
        with self._lock:
            agrees = self._server_clock.add(began, self.local(), moment, server)
        if not agrees:
            self._stepped.failed(f"it says {moment:.3f} on {server}")
        elif self.state().is_trusted:
            self._stepped.recovered()

    def state(self) -> ClockState:
        """Return the trust in the server's clock."""
        with self._lock:
            return self._server_clock.state(self.local())

    def reading(self) -> ClockReading | None:
        """Return the server's time; None: it is not known."""
        with self._lock:
            return self._server_clock.read(self.local())

    def read(self) -> SteppedReading:
        """Return the server's time with the number of steps, as of one moment."""
        with self._lock:
            return SteppedReading(self._server_clock.read(self.local()), self._server_clock.steps)
