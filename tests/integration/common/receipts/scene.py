"""A campaign whose ledger a test writes, and the receipts of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.message_receipt import MessageReceipt
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.domain.shard import Shard
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
)
from campaign_common.store.receipts.receipt_writer import ReceiptWriter

SHARDS = 4
ELSEWHERE = (2, 3)
CAMPAIGN = CampaignId(7)
NAMED = "alpha"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
INSERT_CAMPAIGN = """
INSERT INTO campaigns (id, name, template, list_id, delivery, provider, state, shards, last_seq,
                       created_at)
VALUES (%s, '', '', 1, 'at_least_once', 'alpha', 'running', 4, 40, NOW(6))
"""
RECEIPTS = "seq, generation, receipt_rank, state, provider, code, reported_at"
COUNTED = "SELECT shard, state, receipt_rank, n FROM receipt_counters WHERE n <> 0"
SENT_AND_COUNTED = """
SELECT COALESCE((SELECT SUM(n) FROM campaign_counters WHERE status = 1), 0),
       COALESCE((SELECT SUM(n) FROM receipt_counters WHERE state = 1), 0)
"""


def shard_of(seq: int) -> Shard:
    """Every shard has every fourth message."""
    return Shard(seq % SHARDS)


def receipt(
    seq: int, rank: ReceiptRank, generation: int = 0, provider: str = NAMED
) -> MessageReceipt:
    """Make a report whose code and time belong to its rank."""
    at = NOON + timedelta(hours=generation, minutes=rank)
    code = f"{generation}-{rank.word}"
    return MessageReceipt(CAMPAIGN, seq, generation, shard_of(seq), provider, rank, code, at)


class ReceiptScene:
    """One campaign; every table is read and written as other processes do."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.writer = ReceiptWriter(databases)

    def begin(self) -> None:
        """Leave nothing but the campaign."""
        for database in self.databases.all:
            with database.transaction() as cursor:
                for table in ("campaigns", "campaign_counters", "shard_commands"):
                    cursor.execute(f"DELETE FROM {table}")
        for shard in range(SHARDS):
            with self.databases.of_shard(shard).transaction() as cursor:
                cursor.execute(f"DELETE FROM messages_{shard}")
        with self.databases.main.transaction() as cursor:
            cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN,))
        self.forget_receipts()

    def forget_receipts(self) -> None:
        for shard in range(SHARDS):
            with self.databases.of_shard(shard).transaction() as cursor:
                cursor.execute(f"DELETE FROM receipts_{shard}")
                cursor.execute("DELETE FROM receipt_counters")
                cursor.execute("DELETE FROM open_receipts")

    def record(self, seq: int, status: Status, generation: int = 0, **columns: Any) -> None:  # noqa: ANN401
        """Record an outcome as the owner of the shard does."""
        row = LedgerRow(
            campaign_id=CAMPAIGN,
            seq=seq,
            status=status,
            generation=generation,
            try_number=1,
            attempts=1,
            **columns,
        )
        shard = shard_of(seq)

        def write(cursor: Cursor) -> None:
            insert_outcomes(cursor, shard, [row])
            add_counts(cursor, count_changes(shard, [row]))

        self.databases.of_shard(shard).run(write)

    def rows(self) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for shard in range(SHARDS):
            with self.databases.of_shard(shard).reading() as cursor:
                cursor.execute(f"SELECT {RECEIPTS} FROM receipts_{shard}")
                found += cursor.fetchall()
        return sorted(found)

    def states(self) -> dict[int, tuple[int, int, int]]:
        """Generation, rank and state by seq."""
        return {seq: (generation, rank, state) for seq, generation, rank, state, *_ in self.rows()}

    def counted(self) -> Counter[tuple[int, int, int]]:
        """Counters by shard, state and rank, of all servers."""
        counters: Counter[tuple[int, int, int]] = Counter()
        for database in self.databases.all:
            with database.reading() as cursor:
                cursor.execute(COUNTED)
                counters.update({tuple(key): int(n) for *key, n in cursor.fetchall()})
        return counters

    def recounted(self) -> Counter[tuple[int, int, int]]:
        """Counters as they should be."""
        rows = [
            (seq, rank, state)
            for seq, _, rank, state, *_ in self.rows()
            if rank or state == ReceiptState.NO_RECEIPT
        ]
        return Counter((shard_of(seq), state, rank) for seq, rank, state in rows)

    def listed_as_open(self) -> list[int]:
        seqs: list[int] = []
        for database in self.databases.all:
            with database.reading() as cursor:
                cursor.execute("SELECT seq FROM open_receipts")
                seqs += [seq for (seq,) in cursor.fetchall()]
        return sorted(seqs)

    def open(self) -> list[int]:
        """Seqs of open receipts, by their rows."""
        return sorted(seq for seq, (_, rank, state) in self.states().items() if rank and not state)

    def sent_and_receipts(self) -> list[tuple[int, int]]:
        """Messages counted as sent, and receipts of sent ones, of each server at one moment."""
        found = []
        for database in self.databases.all:
            with database.reading() as cursor:
                cursor.execute(SENT_AND_COUNTED)
                ((sent, ranked),) = cursor.fetchall()
                found.append((int(sent), int(ranked)))
        return found

    def write(self, reports: Sequence[MessageReceipt]) -> int:
        """Write reports; return how many were stored."""
        written = self.writer.write(reports)
        assert written.stored + written.repeated + sum(written.unmatched.values()) == len(reports)
        return written.stored
