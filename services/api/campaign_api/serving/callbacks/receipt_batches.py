"""Group commit: receipts of requests that come at the same time share a transaction."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import gevent
from gevent.event import Event
from gevent.lock import Semaphore

from campaign_api.serving.threads import Threads
from campaign_common.database import Database
from campaign_common.database.by_server import ByServer
from campaign_common.errors import RetryLater

COLLECT = 0.01
"""Seconds for which a batch waits for further receipts, from the commit before it."""

LARGEST_BATCH = 1_000
"""Receipts after which the next ones begin another batch. A request is not divided."""

MOST_WAITING = 20_000
"""Receipts of one server that are not committed yet; more are not taken. 6 MB."""

PATIENCE = 10.0
"""Seconds for which a request waits for its commit."""

ReceiptT = TypeVar("ReceiptT")

Write = Callable[[Sequence[ReceiptT]], object]
"""Stores receipts in one transaction for each database server; raises RetryLater."""


class CommitLate(RetryLater):
    """Receipts are not committed in time, or too many others wait for that; they may yet be."""


class ReceiptBatches(Generic[ReceiptT]):
    """Receipts on their way to the database; to be used by the greenlets of one thread.

    Each database server has its own batches, one after another: one that does not answer keeps
    the receipts of no other one waiting.
    """

    def __init__(
        self, servers: ByServer[Database], write: Write[ReceiptT], collect: float = COLLECT
    ) -> None:
        """Write with `write`, in a thread for each of `servers`.

        Receipts have a `shard` where there are several.
        """
        self._collect = collect
        self._servers = servers.each(lambda _: _Server(write, collect))

    def store(self, receipts: Sequence[ReceiptT]) -> None:
        """Return when the receipts are committed.

        Raises:
            RetryLater: some of them may not be: the database is away, or takes too long.
            Exception: what else `write` raises.
        """
        parts = self._servers.split(receipts, _shard_of)
        waiting = [server.add(part) for server, part in parts]
        until = time.monotonic() + PATIENCE
        for part in waiting:
            part.wait(until)


def _shard_of(receipt: Any) -> int:  # noqa: ANN401 - a receipt that names its shard
    shard: int = receipt.shard
    return shard


class _Part:
    """The receipts of one request on one server."""

    def __init__(self, receipts: Sequence[Any], done: Event) -> None:
        self.receipts = receipts
        self.error: Exception | None = None
        self._done = done

    def wait(self, until: float) -> None:
        if not self._done.wait(max(0.0, until - time.monotonic())):
            raise CommitLate("the database does not commit in time")
        if self.error is not None:
            raise self.error


class _Batch:
    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.size = 0
        self.done = Event()


class _Server:
    """The batches of one database server."""

    def __init__(self, write: Write[Any], collect: float) -> None:
        self._write = write
        self._collect = collect
        self._threads = Threads(1, share=1, most_waiting=1)
        self._turn = Semaphore(1)
        self._waiting = 0
        self._filling: _Batch | None = None

    def add(self, receipts: Sequence[Any]) -> _Part:
        """Add receipts to the batch that is being filled."""
        if self._waiting and self._waiting + len(receipts) > MOST_WAITING:
            raise CommitLate("too many receipts wait for the database")
        self._waiting += len(receipts)
        batch = self._filling
        if batch is None:
            batch = self._filling = _Batch()
            gevent.spawn(self._commit, batch)
        part = _Part(receipts, batch.done)
        batch.parts.append(part)
        batch.size += len(receipts)
        if batch.size >= LARGEST_BATCH:
            self._filling = None
        return part

    def _commit(self, batch: _Batch) -> None:
        with self._turn:
            if self._filling is batch:
                gevent.sleep(self._collect)
            if self._filling is batch:
                self._filling = None
            self._attempt(batch.parts)
        self._waiting -= batch.size
        batch.done.set()

    def _attempt(self, parts: Sequence[_Part]) -> None:
        """Write parts together, and each alone where that fails for what one of them contains."""
        receipts = [receipt for part in parts for receipt in part.receipts]
        try:
            self._threads.run("", partial(self._write, receipts))
        except Exception as error:  # noqa: BLE001 - raised again by those who wait
            if len(parts) > 1 and not isinstance(error, RetryLater):
                for part in parts:
                    self._attempt([part])
            else:
                for part in parts:
                    part.error = error
