"""A database whose reads are timed, for scenarios that lease from it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from campaign_common.database import Cursor, Database, Proof
from campaign_common.settings import MysqlSettings


class TimedDatabase(Database):
    """A database that notes how long each block of `reading` took, its statements included."""

    def __init__(self, settings: MysqlSettings) -> None:
        super().__init__(settings)
        self.waits: list[float] = []
        """Milliseconds."""

    @contextmanager
    def reading(
        self, *, timeout: float | None = None, proof: Proof = Proof.RECENTLY
    ) -> Iterator[Cursor]:
        """Run the block outside of any transaction, and note its time."""
        began = time.perf_counter()
        with super().reading(timeout=timeout, proof=proof) as cursor:
            yield cursor
        self.waits.append(1000 * (time.perf_counter() - began))
