"""The demo's check that every recipient has exactly one outcome, in the API and in the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_stack.servers.database import DatabaseServer

SHARDS = 8
_NAMED = {1: "sent", 2: "failed"}  # the ledger's numbers; what is above 2 is "other" here

LEDGER_ROWS = """
SELECT status, COUNT(*), MAX(sent_at) FROM messages_{shard} WHERE campaign_id = %s GROUP BY status
"""
DATABASE_CLOCK = "SELECT UTC_TIMESTAMP(6)"


@dataclass(frozen=True)
class Ledger:
    """Row counts of one campaign in the message tables."""

    rows: Mapping[str, int]  # sent, failed, other
    last_row_at: datetime | None  # the database's clock, UTC

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


@dataclass(frozen=True)
class ReportedProgress:
    """One answer of GET /v1/campaigns/{id}."""

    state: str
    total: int
    counts: Mapping[str, int]
    pending: int
    rate: float | None

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> "ReportedProgress":
        """Read the API's JSON."""
        return cls(
            state=answer["state"],
            total=answer["total"],
            counts=answer["counts"],
            pending=answer["pending"],
            rate=answer["rate"],
        )

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Recipients by final outcome: all counts except `waiting`."""
        return {word: n for word, n in self.counts.items() if word != "waiting"}

    @property
    def ended(self) -> int:
        """Recipients with a final outcome."""
        return sum(self.outcomes.values())


def read_ledger(database: DatabaseServer, campaign_id: int) -> Ledger:
    """Count the ledger's rows; the API only reports counters."""
    rows = dict.fromkeys([*_NAMED.values(), "other"], 0)
    moments: list[datetime] = []
    with database.connect("camp") as connection, connection.cursor() as cursor:
        for shard in range(SHARDS):
            cursor.execute(LEDGER_ROWS.format(shard=shard), (campaign_id,))
            for status, count, last in cursor.fetchall():
                rows[_NAMED.get(status, "other")] += count
                moments.append(last)
    return Ledger(rows=rows, last_row_at=max(moments, default=None))


def database_clock(database: DatabaseServer) -> datetime:
    """Read the clock that also stamps the ledger's rows."""
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(DATABASE_CLOCK)
        ((now,),) = cursor.fetchall()
    if not isinstance(now, datetime):
        raise TypeError(f"the database answered {now!r} for its time")
    return now


def discrepancies(recipients: int, progress: ReportedProgress, ledger: Ledger) -> list[str]:
    """List every mismatch between the numbers; empty when each recipient is accounted for."""
    found = []
    if progress.state != "finished":
        found.append(f"the campaign is {progress.state}, not finished")
    if progress.total != recipients:
        found.append(f"the file has {recipients} recipients, the campaign {progress.total}")
    if progress.pending:
        found.append(f"{progress.pending} recipients are pending")
    if progress.ended + progress.pending != recipients:
        found.append(f"outcomes and pending add up to {progress.ended + progress.pending}")
    if ledger.total != recipients:
        found.append(f"the ledger holds {ledger.total} rows for {recipients} recipients")
    for word in _NAMED.values():
        if ledger.rows[word] != progress.counts.get(word, 0):
            counted = progress.counts.get(word, 0)
            found.append(f"{counted} are counted as {word}, the ledger has {ledger.rows[word]}")
    return found
