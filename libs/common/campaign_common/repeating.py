"""Work that is done again and again in a thread of its own."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Repeating:
    """Does `work` every `interval` seconds, first after one, until stopped; a context manager.

    What `work` raises ends the thread: it has to deal itself with what passes by.
    """

    def __init__(self, name: str, interval: float, work: Callable[[], object]) -> None:
        self._interval = interval
        self._work = work
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
        while not self._ended.wait(self._interval):
            self._work()
