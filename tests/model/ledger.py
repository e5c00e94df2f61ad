"""The ledger's changes by a transaction: outcomes, counters, retries, possibly sent messages."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.message import FINAL, LedgerEntry, MessageKey, Status
from campaign_common.store.messages.ledger import LedgerRow, count_changes, count_rewrites
from campaign_common.store.messages.possibly_sent import FINAL_FACTS, LateFact
from campaign_sender.recording.command_handlers import (
    rows_of_late_results,
    rows_of_unsent,
)
from tests.model.promises import Broken
from tests.model.state import CAMPAIGN_ID, Ledger, Retry, put

FIRST_TRY = 1

RETRIED_BY_HAND = frozenset({Status.FAILED, Status.UNKNOWN})
"""Outcomes that a person may order to retry."""


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
        ledger = ledger._replace(
            rows=put(ledger.rows, index, _entry(row)),
            retries=put(ledger.retries, index, _retry_after(row)),
        )
        ledger = note_possibly_sent(ledger, row.left_doubts)
    return ledger._replace(counters=_stored(counters)), broken


def note_possibly_sent(ledger: Ledger, claimed: Iterable[ClaimedMessage]) -> Ledger:
    """Note calls in doubt."""
    noted = {(one.seq, one.generation, one.try_number, one.provider) for one in claimed}
    return ledger._replace(possibly_sent=ledger.possibly_sent | noted) if noted else ledger


def retry_by_hand(ledger: Ledger, shard: int, seqs: Iterable[int]) -> Ledger:
    """Carry out a person's order in one shard: what ended waits for a try of a new generation.

    The order covers generation 0, the only one that can have ended when it was given.
    """
    entries = {
        MessageKey(CAMPAIGN_ID, seq): entry
        for seq in seqs
        if (entry := ledger.rows[seq - 1])
        and entry.status in RETRIED_BY_HAND
        and entry.generation == 0
    }
    rows = [LedgerRow.requeued(key, entry) for key, entry in entries.items()]
    rewritten = _rewritten(ledger, shard, rows, entries)
    return rewritten._replace(retry_orders=ledger.retry_orders - {shard})


def note_late(ledger: Ledger, fact: LateFact) -> Ledger:
    """Note what was learnt too late; what is not final settles nothing."""
    if fact.status not in FINAL_FACTS:
        return ledger
    return ledger._replace(late=ledger.late | {fact})


def settle_by_facts(
    ledger: Ledger, shard: int, seqs: Sequence[int], possibly_sent: frozenset[tuple[int, int]]
) -> Ledger:
    """Turn what is unknown in a shard into what lost senders have learnt of it (rule 14)."""
    entries = {
        MessageKey(CAMPAIGN_ID, seq): entry for seq in seqs if (entry := ledger.rows[seq - 1])
    }
    facts = [fact for fact in sorted(ledger.late) if fact.message.seq in seqs]
    return _rewritten(ledger, shard, rows_of_late_results(facts, entries, possibly_sent), entries)


def settle_by_receipt(ledger: Ledger, shard: int, row: LedgerRow) -> Ledger:
    """Record a message as sent, as its receipt proves."""
    entry = ledger.rows[row.seq - 1]
    before = {MessageKey(CAMPAIGN_ID, row.seq): entry} if entry else {}
    return _rewritten(ledger, shard, [row], before)


def ignores_receipt(ledger: Ledger, rows: Iterable[LedgerRow]) -> bool:
    """Return whether outcomes leave a doubt that a report has settled."""
    return any(
        (row.seq, row.generation) in ledger.proofs
        and (row.status is Status.UNKNOWN or (row.status is Status.WAITING and row.in_doubt))
        for row in rows
    )


def settle(ledger: Ledger, shard: int, seqs: Sequence[int]) -> Ledger:
    """Give what a cancelled campaign left waiting or in doubt in a shard its final outcome."""
    entries = {
        MessageKey(CAMPAIGN_ID, seq): entry for seq in seqs if (entry := ledger.rows[seq - 1])
    }
    without_row = [
        ClaimedMessage(CAMPAIGN_ID, seq, generation, FIRST_TRY)
        for seq, generation in sorted(ledger.possibly_sent_tries)
        if seq in seqs and ledger.rows[seq - 1] is None
    ]
    rows = rows_of_unsent(entries, without_row, dict.fromkeys(ledger.possibly_sent_tries))
    rewritten = _rewritten(ledger, shard, rows, entries)
    return rewritten._replace(settle_orders=ledger.settle_orders - {shard})


def _rewritten(
    ledger: Ledger,
    shard: int,
    rows: Iterable[LedgerRow],
    before: Mapping[MessageKey, LedgerEntry],
) -> Ledger:
    rows = list(rows)
    counters = Counter(dict(ledger.counters))
    for (_, _, status), change in count_rewrites(shard, rows, before).items():
        counters[status] += change
    for row in rows:
        ledger = ledger._replace(
            rows=put(ledger.rows, row.seq - 1, _entry(row)),
            retries=put(ledger.retries, row.seq - 1, _retry_after(row)),
        )
    return ledger._replace(counters=_stored(counters))


def is_complete(ledger: Ledger) -> bool:
    """Return whether every message has its final outcome."""
    return all(entry is not None and entry.status in FINAL for entry in ledger.rows)


def counters_of(ledger: Ledger) -> tuple[tuple[Status, int], ...]:
    """Count the rows, which is what the counters must say."""
    return _stored(Counter(Status(entry.status) for entry in ledger.rows if entry is not None))


def _entry(row: LedgerRow) -> LedgerEntry:
    return LedgerEntry(
        int(row.status),
        row.generation,
        row.try_number,
        row.attempts,
        int(row.in_doubt),
        row.provider,
    )


def _retry_after(row: LedgerRow) -> Retry | None:
    if row.status is not Status.WAITING:
        return None
    return Retry(row.generation, row.try_number + 1, row.attempts, None)


def _stored(counters: Counter[Status]) -> tuple[tuple[Status, int], ...]:
    return tuple(sorted((status, n) for status, n in counters.items() if n))
