"""The floor of the ledger: a bare loop that inserts the rows of sent messages, and nothing else."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psutil
import pymysql

from benchmarks.recipients import FIRST_PHONE
from benchmarks.sampling import Family
from benchmarks.site import DATABASE, SHARDS, Site
from campaign_common.shard import shard_of

CAMPAIGN = 2**62
BATCHES = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
PROBE_ROWS = 64_000

INSERT = (
    "INSERT INTO messages_{shard} (campaign_id, seq, status, generation, try_number, attempts,"
    " in_doubt, provider_message_id, error_code, sent_at) VALUES "
)


@dataclass(frozen=True)
class LedgerFloor:
    """How fast the bare loop was."""

    rate: float
    """Rows a second."""
    batch: int
    """Rows of a transaction."""
    processor: dict[str, float]
    """Microseconds a row, of the loop and of the database where it is ours."""


class LedgerLoop:
    """The bare loop; the batch size that suits the server best is found once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._best: int | None = None

    def measure(self, rows: int) -> LedgerFloor:
        """Insert so many rows, and forget them."""
        with self._site.connection() as cursor:
            cursor.connection.autocommit(value=False)
            if self._best is None:
                probes = {batch: _insert(cursor, PROBE_ROWS, batch) for batch in self._sizes()}
                self._best = min(probes, key=lambda batch: probes[batch])
            families = {"loop": Family(psutil.Process().pid)}
            if DATABASE in self._site.servers:
                families[DATABASE] = Family(self._site.servers[DATABASE])
            before = {name: family.processor_seconds() for name, family in families.items()}
            seconds = _insert(cursor, rows, self._best)
            used = {
                name: (family.processor_seconds() - before[name]) / rows * 1e6
                for name, family in families.items()
            }
        return LedgerFloor(rows / seconds, self._best, used)

    def _sizes(self) -> Iterator[int]:
        """Begin with one that warms the server up and does not count."""
        yield from (BATCHES[2], *BATCHES)


def _insert(cursor: pymysql.cursors.Cursor, rows: int, batch: int) -> float:
    """Insert into emptied tables; returns the seconds that took."""
    shards = [shard_of(str(FIRST_PHONE + n), SHARDS) for n in range(rows)]
    began = time.perf_counter()
    for start in range(0, rows, batch):
        _insert_batch(cursor, shards, range(start, min(start + batch, rows)))
    seconds = time.perf_counter() - began
    for shard in range(SHARDS):
        cursor.execute(f"TRUNCATE messages_{shard}")
    return seconds


def _insert_batch(cursor: pymysql.cursors.Cursor, shards: Sequence[int], seqs: range) -> None:
    rows: list[list[str]] = [[] for _ in range(SHARDS)]
    for seq in seqs:
        rows[shards[seq]].append(
            f"({CAMPAIGN},{seq},1,0,1,1,0,'sim-{CAMPAIGN}-{seq}-0',NULL,NOW(6))"
        )
    for shard, values in enumerate(rows):
        if values:
            cursor.execute(INSERT.format(shard=shard) + ",".join(values))
    cursor.connection.commit()
