"""A bare loop of multi-row inserts, at the batch size that suits the server best."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import pymysql

from benchmarks.sampling import Family
from benchmarks.site import DATABASE, Site

BATCHES = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
PROBE_ROWS = 64_000

LOOP = "loop"

WriteBatch = Callable[[pymysql.cursors.Cursor, range], None]
"""Function that inserts the rows of some sequence numbers; the caller commits."""


@dataclass(frozen=True)
class LoopFloor:
    """The result of a bare loop."""

    rate: float
    """Rows a second."""
    batch: int
    """Rows of a transaction."""
    processor: dict[str, float]
    """Processor microseconds a row, of the loop and of a database of the benchmark."""


class BareLoop:
    """A loop that fills tables and empties them, at the best batch size, which it finds once."""

    def __init__(self, site: Site, write: WriteBatch, tables: Sequence[str]) -> None:
        self._site = site
        self._write = write
        self._tables = tables
        self._best: int | None = None

    def measure(self, rows: int) -> LoopFloor:
        """Insert so many rows, measure, and delete them."""
        with self._site.connection() as cursor:
            cursor.connection.autocommit(value=False)
            best = self._best = self._best or self._find_best(cursor)
            families = {LOOP: Family(psutil.Process().pid)}
            if DATABASE in self._site.servers:
                families[DATABASE] = Family(self._site.servers[DATABASE])
            before = {name: family.processor_seconds() for name, family in families.items()}
            seconds = self._insert(cursor, rows, best)
            used = {
                name: (family.processor_seconds() - before[name]) / rows * 1e6
                for name, family in families.items()
            }
            self._empty(cursor)
        return LoopFloor(rows / seconds, best, used)

    def _find_best(self, cursor: pymysql.cursors.Cursor) -> int:
        self._insert(cursor, PROBE_ROWS, BATCHES[0])  # warms the server up
        self._empty(cursor)
        seconds = {}
        for batch in BATCHES:
            seconds[batch] = self._insert(cursor, PROBE_ROWS, batch)
            self._empty(cursor)
        return min(seconds, key=lambda batch: seconds[batch])

    def _insert(self, cursor: pymysql.cursors.Cursor, rows: int, batch: int) -> float:
        began = time.perf_counter()
        for start in range(0, rows, batch):
            self._write(cursor, range(start, min(start + batch, rows)))
            cursor.connection.commit()
        return time.perf_counter() - began

    def _empty(self, cursor: pymysql.cursors.Cursor) -> None:
        for table in self._tables:
            cursor.execute(f"TRUNCATE {table}")
