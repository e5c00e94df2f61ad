"""Pacer: the thread that starts messages which wait for grants."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from campaign_common.runtime.periodic_thread import IndispensableThread, ThreadedPart

SHORTEST_WAIT = 0.002
"""Seconds between two looks; grants that are due in between start together."""

IDLE_WAIT = 0.05
"""Seconds between two looks while nothing waits, and between two calls of `after`."""

SWEEP_INTERVAL = 0.1
"""Seconds between two checks of all messages that wait, whatever their grants say."""


class GrantQueue(Protocol):
    """Messages that wait for grants."""

    on_waiting: Callable[[], None]
    """Called when messages wait that were not there before."""

    def __len__(self) -> int:
        """Return their number."""

    @property
    def is_limited(self) -> bool:
        """Return whether there are grants to wait for."""

    def next_in(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""

    def start_due(self) -> None:
        """Start the messages whose grants are due."""


class Pacer(ThreadedPart):
    """Thread that starts the messages of limited providers and campaigns when grants are due.

    `after`: called now and then while a provider is limited, as more may be claimed by then.
    """

    def __init__(self, queues: Sequence[GrantQueue], after: Callable[[], None]) -> None:
        self._queues = queues
        self._after = after
        self._called_at = 0.0
        self._stopped = False
        self._changed = threading.Event()
        for queue in queues:
            queue.on_waiting = self._changed.set
        super().__init__(IndispensableThread("pacer", self._run))

    def stop(self) -> None:
        """Stop the thread; return when it has ended."""
        self._stopped = True
        self._changed.set()
        self._join()

    def _run(self) -> None:
        while not self._stopped:
            waits = [wait for queue in self._queues if (wait := queue.next_in()) is not None]
            self._changed.wait(max(SHORTEST_WAIT, min(waits, default=IDLE_WAIT)))
            self._changed.clear()
            for queue in self._queues:
                if len(queue):
                    queue.start_due()
            if monotonic() - self._called_at >= IDLE_WAIT:
                self._called_at = monotonic()
                if any(queue.is_limited for queue in self._queues):
                    self._after()
