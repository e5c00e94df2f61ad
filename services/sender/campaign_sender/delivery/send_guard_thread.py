"""Background thread that refreshes a send guard."""

import threading
import time
from collections.abc import Callable

import structlog

from campaign_common.errors import RetryLater
from campaign_common.runtime.outage_log import Outage
from campaign_common.runtime.periodic_thread import IndispensableThread, ThreadedPart
from campaign_common.store.messages.send_view import FRESH_FOR, LONGEST_READ, SHORTEST_PAUSE
from campaign_sender.delivery.send_guard import SendGuard

GUARD_INTERVAL = 0.3
"""Seconds from the beginning of a background read to that of the next one."""

CALM_AFTER = 10
"""Number of reads in time after which a late one is logged again."""

log = structlog.get_logger()


class SlowReadLog:
    """Log of when reads begin to take too long, and when they are in time again."""

    def __init__(self, server: str) -> None:
        self._log = log.bind(server=server)
        self._bound: float | None = None
        """Bound that reads exceed at present."""
        self._in_time = 0

    def note(self, seconds: float) -> None:
        """Record the duration of a read, in seconds."""
        bound = next((bound for bound in (FRESH_FOR, LONGEST_READ) if seconds >= bound), None)
        if bound is None:
            self._in_time += 1
            if self._bound is not None and self._in_time >= CALM_AFTER:
                self._bound = None
                self._log.info("database reads in time again", seconds=round(seconds, 2))
            return
        self._in_time = 0
        if self._bound is None or bound > self._bound:
            self._bound = bound
            self._log.warning(
                "database reads too slow, sends stopped"
                if bound == FRESH_FOR
                else "database reads slow, sends delayed",
                seconds=round(seconds, 2),
                bound=bound,
            )


class SendGuardThread(ThreadedPart):
    """Thread that refreshes a guard every `GUARD_INTERVAL` seconds."""

    def __init__(
        self, guard: SendGuard, after_refresh: Callable[[], None], server: str = ""
    ) -> None:
        self._guard = guard
        self._after_refresh = after_refresh
        self._slow = SlowReadLog(server)
        self._outage = Outage(
            "database unavailable, sends stopped", "database recovered, sends resumed", log
        )
        self._stop = threading.Event()
        super().__init__(IndispensableThread("send-guard", self._run))

    def stop(self) -> None:
        """Stop the thread; return when it has ended."""
        self._stop.set()
        self._join()

    def _run(self) -> None:
        pause = GUARD_INTERVAL
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                self._guard.refresh()
            except RetryLater as error:
                self._outage.failed(str(error))
                pause = GUARD_INTERVAL
                continue
            self._outage.recovered()
            self._slow.note(self._guard.read_seconds)
            self._after_refresh()
            pause = max(SHORTEST_PAUSE, GUARD_INTERVAL - (time.monotonic() - began))
