"""Receipts on their way to the database servers of their shards."""

import time
from collections.abc import Sequence

from campaign_api.serving.callbacks.commit_batches import (
    COLLECT,
    PATIENCE,
    BatchBounds,
    CommitBatches,
    Write,
)
from campaign_common.database import Database
from campaign_common.database.by_server import ByServer
from campaign_common.domain.receipts.message_receipt import MessageReceipt

BOUNDS = BatchBounds(largest_batch=1_000, most_waiting=20_000)
"""For one server; 20,000 receipts are 6 MB."""


class ReceiptBatches:
    """Receipts on their way to the database; to be used by the greenlets of one thread.

    Each database server has its own batches, one after another: one that does not answer keeps
    the receipts of no other one waiting.
    """

    def __init__(
        self,
        servers: ByServer[Database],
        write: Write[MessageReceipt],
        collect: float = COLLECT,
        bounds: BatchBounds = BOUNDS,
    ) -> None:
        """Write with `write`, in a thread for each of `servers`."""
        self._servers = servers.each(lambda _: CommitBatches(write, bounds, collect))

    def store(self, receipts: Sequence[MessageReceipt]) -> None:
        """Return when the receipts are committed.

        Raises:
            RetryLater: some of them may not be: the database is away, or takes too long.
            Exception: what else `write` raises.
        """
        parts = self._servers.split(receipts, lambda receipt: receipt.shard)
        waiting = [server.add(part) for server, part in parts]
        until = time.monotonic() + PATIENCE
        for part in waiting:
            part.wait(until)
