"""What a transaction does to the ledger: outcomes, counters, retries, suspects."""

from collections import Counter
from collections.abc import Iterable

from campaign_common.claim import ClaimedMessage
from campaign_common.message import FINAL, LedgerEntry, Status
from campaign_common.store.ledger import LedgerRow, count_changes
from tests.model.promises import Broken
from tests.model.state import Ledger, Retry, put


def record(ledger: Ledger, shard: int, rows: Iterable[LedgerRow]) -> tuple[Ledger, Broken | None]:
    """Write outcomes; return the promise that doing so broke, too."""
    rows = list(rows)
    broken = None
    counters = Counter(dict(ledger.counters))
    for (_, _, status), change in count_changes(shard, rows).items():
        counters[status] += change
    for row in rows:
        index = row.seq - 1
        before = ledger.rows[index]
        if (before is not None) != row.replaces or (before and before.status in FINAL):
            broken = Broken.OVERWRITTEN
        entry = LedgerEntry(
            int(row.status), row.generation, row.try_number, row.attempts, int(row.in_doubt)
        )
        ledger = ledger._replace(
            rows=put(ledger.rows, index, entry),
            retries=put(ledger.retries, index, _retry_after(row)),
        )
    return ledger._replace(counters=_stored(counters)), broken


def suspect(ledger: Ledger, claimed: Iterable[ClaimedMessage]) -> Ledger:
    """Note calls in doubt."""
    noted = {(message.seq, message.generation) for message in claimed}
    return ledger._replace(suspects=ledger.suspects | noted) if noted else ledger


def retry_by_hand(ledger: Ledger, shard: int, seqs: Iterable[int]) -> Ledger:
    """Carry out a person's order in one shard: what failed waits for a try of a new generation.

    The order covers generation 0, the only one that can have failed when it was given.
    """
    counters = Counter(dict(ledger.counters))
    for seq in seqs:
        entry = ledger.rows[seq - 1]
        if entry is None or entry.status != Status.FAILED or entry.generation > 0:
            continue
        counters[Status.FAILED] -= 1
        counters[Status.WAITING] += 1
        waiting = LedgerEntry(int(Status.WAITING), entry.generation + 1, entry.try_number, 0)
        retry = Retry(waiting.generation, waiting.try_number + 1, 0, None)
        ledger = ledger._replace(
            rows=put(ledger.rows, seq - 1, waiting), retries=put(ledger.retries, seq - 1, retry)
        )
    return ledger._replace(counters=_stored(counters), requests=ledger.requests - {shard})


def is_complete(ledger: Ledger) -> bool:
    """Tell whether every message has its final outcome."""
    return all(entry is not None and entry.status in FINAL for entry in ledger.rows)


def counters_of(ledger: Ledger) -> tuple[tuple[Status, int], ...]:
    """Count the rows, which is what the counters must say."""
    return _stored(Counter(Status(entry.status) for entry in ledger.rows if entry is not None))


def _retry_after(row: LedgerRow) -> Retry | None:
    if row.status is not Status.WAITING:
        return None
    return Retry(row.generation, row.try_number + 1, row.attempts, None)


def _stored(counters: Counter[Status]) -> tuple[tuple[Status, int], ...]:
    return tuple(sorted((status, n) for status, n in counters.items() if n))
