"""Group commit: what requests bring at the same time is stored in one transaction."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import gevent
from gevent.event import Event
from gevent.lock import Semaphore

from campaign_api.serving.threads import Threads
from campaign_common.errors import RetryLater

T = TypeVar("T")

COLLECT = 0.01
"""Seconds for which a batch waits for further items, from the commit before it."""

PATIENCE = 10.0
"""Seconds for which a request waits for its commit."""

Write = Callable[[Sequence[T]], object]
"""Stores items in one transaction for each database server; raises RetryLater."""


class CommitLate(RetryLater):
    """Items are not committed in time, or too many others wait for that; they may yet be."""


class BatchBounds(NamedTuple):
    """Numbers of items."""

    largest_batch: int
    """Items after which the next ones begin another batch. A request is not divided."""
    most_waiting: int
    """Items that are not committed yet; more are not taken."""


class BatchPart(Generic[T]):
    """The items of one request on one server."""

    def __init__(self, items: Sequence[T], done: Event) -> None:
        self.items = items
        self.error: Exception | None = None
        self._done = done

    def wait(self, until: float) -> None:
        """Wait for the commit until a time of the monotonic clock.

        Raises:
            RetryLater: the items may not be committed.
            Exception: what else their writer raises.
        """
        if not self._done.wait(max(0.0, until - time.monotonic())):
            raise CommitLate("the database does not commit in time")
        if self.error is not None:
            raise self.error


class _Batch(Generic[T]):
    def __init__(self) -> None:
        self.parts: list[BatchPart[T]] = []
        self.size = 0
        self.done = Event()


class CommitBatches(Generic[T]):
    """Batches of one database server, one after another; for the greenlets of one thread."""

    def __init__(self, write: Write[T], bounds: BatchBounds, collect: float = COLLECT) -> None:
        """Write with `write`, in a thread."""
        self._write = write
        self._bounds = bounds
        self._collect = collect
        self._threads = Threads(1, share=1, most_waiting=1)
        self._turn = Semaphore(1)
        self._waiting = 0
        self._filling: _Batch[T] | None = None

    def store(self, items: Sequence[T]) -> None:
        """Return when the items are committed.

        Raises:
            RetryLater: they may not be: the database is away, or takes too long.
            Exception: what else `write` raises.
        """
        self.add(items).wait(time.monotonic() + PATIENCE)

    def add(self, items: Sequence[T]) -> BatchPart[T]:
        """Add items to the batch that is being filled.

        Raises:
            CommitLate: too many others wait.
        """
        if self._waiting and self._waiting + len(items) > self._bounds.most_waiting:
            raise CommitLate("too many others wait for the database")
        self._waiting += len(items)
        batch = self._filling
        if batch is None:
            batch = self._filling = _Batch()
            gevent.spawn(self._commit, batch)
        part = BatchPart(items, batch.done)
        batch.parts.append(part)
        batch.size += len(items)
        if batch.size >= self._bounds.largest_batch:
            self._filling = None
        return part

    def _commit(self, batch: _Batch[T]) -> None:
        with self._turn:
            if self._filling is batch:
                gevent.sleep(self._collect)
            if self._filling is batch:
                self._filling = None
            self._attempt(batch.parts)
        self._waiting -= batch.size
        batch.done.set()

    def _attempt(self, parts: Sequence[BatchPart[T]]) -> None:
        """Write parts together, and each alone where that fails for what one of them contains."""
        items = [item for part in parts for item in part.items]
        try:
            self._threads.run("", partial(self._write, items))
        except Exception as error:  # noqa: BLE001 - raised again by those who wait
            if len(parts) > 1 and not isinstance(error, RetryLater):
                for part in parts:
                    self._attempt([part])
            else:
                for part in parts:
                    part.error = error
