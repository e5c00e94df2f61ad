"""Threads of a service: periodic ones, and those whose failure ends the process.

A thread that repeats something outlives every failure: it logs the failure once and tries again
with a backoff. A thread that its process needs, and that meets what it does not expect, ends
the process: its supervisor starts another one, and nothing looks alive that does not work.
"""

import random
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.outage_log import OutageLog

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds between two attempts at what fails; as long as the interval where that is longer."""

log = structlog.get_logger(__name__)


class PeriodicThread:
    """Do `work` every `interval` seconds until stopped; a context manager.

    What `work` raises is logged once, and `work` is tried again after pauses that grow up to
    the interval. `at_once`: do it for the first time when started, not an interval later.
    `spread`: the share of the interval by which it varies, so that processes do not coincide.
    `at_end`: done once after the last `work`, when stopped.
    """

    def __init__(
        self,
        name: str,
        interval: float,
        work: Callable[[], object],
        *,
        at_once: bool = False,
        spread: float = 0.0,
        at_end: Callable[[], object] | None = None,
    ) -> None:
        self._name = name
        self._interval = interval
        self._work = work
        self._at_once = at_once
        self._spread = spread
        self._at_end = at_end
        self._outages = OutageLog()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Do it no more; returns when the thread has ended, or without `wait` at once."""
        self._ended.set()
        if wait:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        longest = max(self._interval, LONGEST_PAUSE)
        backoff = Backoff(self._ended.wait, min(self._interval, FIRST_PAUSE), longest)
        if not self._at_once:
            self._wait()
        while not self._ended.is_set():
            if self._outages.run(self._name, self._work):
                backoff.succeeded()
                self._wait()
            else:
                backoff.pause()
        if self._at_end is not None:
            self._outages.run(self._name, self._at_end)

    def _wait(self) -> None:
        share = random.uniform(1 - self._spread, 1 + self._spread)  # noqa: S311 - spreads, no secret
        self._ended.wait(self._interval * share)


class IndispensableThread:
    """A thread without which its process must not go on.

    `work` returns when it is asked to stop. What it raises is logged, and `on_failure` is done,
    which has the process end.
    """

    def __init__(
        self, name: str, work: Callable[[], object], on_failure: Callable[[], object] | None = None
    ) -> None:
        self._name = name
        self._work = work
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Return whether it runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended, up to `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException:
            log.critical("required thread failed", thread=self._name, exc_info=True)
            if self._on_failure is not None:
                self._on_failure()


class ThreadedPart:
    """Part of a process that works in indispensable threads of its own."""

    def __init__(self, *threads: IndispensableThread) -> None:
        self._threads = threads

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Return whether all threads run; only a programming error ends one early."""
        return all(thread.alive for thread in self._threads)

    def _join(self) -> None:
        """Wait until the threads have ended, which they were asked to do."""
        for thread in self._threads:
            thread.join()
