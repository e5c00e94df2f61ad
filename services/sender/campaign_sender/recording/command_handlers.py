"""Rewriting outcomes on request: what one transaction does of an order to a shard's owner.

Each function does a slice, under the owner's fence, and notes in the same transaction what is
left of the order, or that nothing is (protocol rules 3, 10 and 14).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from pymysql.cursors import Cursor

from campaign_common.campaign import CampaignState
from campaign_common.claim import ClaimedMessage
from campaign_common.message import LedgerEntry, MessageKey, Status
from campaign_common.store import ShardCursors, shard_requests
from campaign_common.store.campaigns import read_extent
from campaign_common.store.ledger import (
    EndedIn,
    LedgerRow,
    add_counts,
    count_rewrites,
    ended_in,
    insert_outcomes,
    look_up,
)
from campaign_common.store.retry_schedule import forget_retries, schedule_retries, waiting_seqs
from campaign_common.store.shard_requests import RequestKind, ShardRequest
from campaign_common.store.suspects import (
    FINAL_FACTS,
    LateFact,
    read_late_facts,
    read_suspects,
    suspects_without_outcome,
)

SLICE = 2_000
"""Messages rewritten in one transaction."""

SPAN = 100_000
"""Sequence numbers looked through in one transaction, however few of them match."""

IN_DOUBT = "cancelled_in_doubt"
"""The error code of what may have been taken when its campaign was cancelled."""

Held = Collection[int]
"""The seqs of the request's campaign and shard that this process is working on."""

Entries = Mapping[MessageKey, LedgerEntry]

Suspects = Collection[tuple[int, int]]
"""(seq, generation) of messages that a lost sender may have handed over."""


def settle_cancelled(cursors: ShardCursors, request: ShardRequest, _: Held) -> None:
    """Give what a cancelled campaign left waiting, or in doubt, its final outcome.

    To be carried out when nothing of it is held: what is at a provider is recorded first.
    """
    cursor, shard, campaign_id = cursors.own, request.shard, request.campaign_id
    suspects = suspects_without_outcome(cursor, shard, campaign_id, SLICE)
    waiting = waiting_seqs(cursor, shard, campaign_id, SLICE)
    _end_unsent(cursor, request, waiting, suspects)
    if len(waiting) < SLICE and len(suspects) < SLICE:
        shard_requests.close_request(cursor, request)


def turn_back(cursors: ShardCursors, request: ShardRequest, _: Held) -> None:
    """Turn what ended as the request says back to waiting, due now, as the next generation."""
    cursor = cursors.own
    extent = read_extent(cursors.main, request.campaign_id)
    if extent is None or extent[0] is CampaignState.CANCELLED:
        shard_requests.close_request(cursor, request)
        return
    last_seq = extent[1]
    arguments = request.arguments
    ended = EndedIn(
        request.campaign_id,
        [Status(number) for number in arguments["statuses"]],
        arguments["error_code"],
        request.requested_at,
    )
    first = arguments["after_seq"] + 1
    seqs = range(first, min(first + SPAN, last_seq + 1))
    entries = ended_in(cursor, request.shard, ended, seqs, SLICE)
    rows = [waiting_anew(key, entry) for key, entry in entries.items()]
    _rewrite(cursor, request.shard, rows, entries)
    schedule_retries(cursor, request.shard, [(row, 0.0) for row in rows])
    reached = rows[-1].seq if len(rows) == SLICE else seqs.stop - 1
    if reached < last_seq:
        shard_requests.move_request(cursor, request, {**arguments, "after_seq": reached})
    else:
        shard_requests.close_request(cursor, request)


def erase(cursors: ShardCursors, request: ShardRequest, held: Held) -> None:
    """Cancel those listed messages that are not sent; those held are left for later."""
    cursor, listed = cursors.own, request.arguments["seqs"]
    free = [seq for seq in listed if seq not in held][:SLICE]
    wanted = {(request.shard, request.campaign_id): free}
    entries = {key.seq: entry for key, entry in look_up(cursor, wanted).items()}
    waiting = [seq for seq in free if seq in entries and entries[seq].status == Status.WAITING]
    missing = [ClaimedMessage(request.campaign_id, seq, 0, 1) for seq in free if seq not in entries]
    _end_unsent(cursor, request, waiting, missing)
    done = set(free)
    _leave(cursor, request, [seq for seq in listed if seq not in done])


def record_late(cursors: ShardCursors, request: ShardRequest, _: Held) -> None:
    """Turn `unknown` into what a lost sender learnt of the same try (protocol rule 14)."""
    cursor, listed = cursors.own, request.arguments["seqs"]
    seqs, left = listed[:SLICE], listed[SLICE:]
    entries = look_up(cursor, {(request.shard, request.campaign_id): seqs}) if seqs else {}
    facts = read_late_facts(cursor, request.shard, request.campaign_id, seqs)
    suspects = read_suspects(cursor, request.campaign_id, seqs)
    _rewrite(cursor, request.shard, rows_of_facts(facts, entries, suspects), entries)
    _leave(cursor, request, left)


CARRY_OUT: Mapping[str, Callable[[ShardCursors, ShardRequest, Held], None]] = {
    RequestKind.SETTLE_CANCELLED: settle_cancelled,
    RequestKind.RETRY: turn_back,
    RequestKind.ERASE: erase,
    RequestKind.LATE_RESULTS: record_late,
}
"""By kind: carries out a slice, and closes the request when nothing of it is left."""


def rows_of_facts(
    facts: Iterable[LateFact], entries: Entries, suspects: Suspects = frozenset()
) -> list[LedgerRow]:
    """Decide which `unknown` become what: only a final fact about the very try counts.

    Where two senders learnt different things of one try, that it was taken is what counts. Of
    `suspects` a refusal settles nothing: the try was sent a second time, or may have been.
    """
    rows: dict[int, LedgerRow] = {}
    failed_first = sorted(facts, key=lambda fact: fact.status is Status.SENT)
    for message, status, provider_message_id, error_code in failed_first:
        entry = entries.get(MessageKey(message.campaign_id, message.seq))
        if (
            entry is not None
            and status in FINAL_FACTS
            and (status is Status.SENT or (message.seq, message.generation) not in suspects)
            and entry[:3] == (Status.UNKNOWN, message.generation, message.try_number)
        ):
            rows[message.seq] = LedgerRow(
                message.campaign_id,
                message.seq,
                status,
                entry.generation,
                entry.try_number,
                entry.attempts,
                provider_message_id,
                error_code,
                replaces=True,
            )
    return list(rows.values())


def rows_of_unsent(
    entries: Entries,
    without_row: Iterable[ClaimedMessage],
    suspects: Suspects,
) -> list[LedgerRow]:
    """End what waits, and what has no row, as cancelled; as unknown what may have been taken."""
    rows = {
        key.seq: _ended(
            ClaimedMessage(key.campaign_id, key.seq, entry.generation, entry.try_number),
            entry,
            in_doubt=bool(entry.in_doubt) or (key.seq, entry.generation) in suspects,
        )
        for key, entry in entries.items()
        if entry.status == Status.WAITING
    }
    for message in without_row:
        in_doubt = (message.seq, message.generation) in suspects
        rows[message.seq] = _ended(message, None, in_doubt=in_doubt)
    return list(rows.values())


def waiting_anew(key: MessageKey, entry: LedgerEntry) -> LedgerRow:
    """Keep the try and start attempts anew; the doubt stays with the old idempotency key."""
    return LedgerRow(
        key.campaign_id,
        key.seq,
        Status.WAITING,
        entry.generation + 1,
        entry.try_number,
        0,
        None,
        None,
        replaces=True,
    )


def _leave(cursor: Cursor, request: ShardRequest, seqs: Sequence[int]) -> None:
    """Note which messages of a list are left, or that none is."""
    if seqs:
        shard_requests.move_request(cursor, request, {"seqs": seqs})
    else:
        shard_requests.close_request(cursor, request)


def _end_unsent(
    cursor: Cursor,
    request: ShardRequest,
    waiting: Sequence[int],
    without_row: Sequence[ClaimedMessage],
) -> None:
    """End messages as cancelled, and as unknown where one may have been taken."""
    shard, campaign_id = request.shard, request.campaign_id
    entries = look_up(cursor, {(shard, campaign_id): waiting}) if waiting else {}
    seqs = [*waiting, *(message.seq for message in without_row)]
    suspects = read_suspects(cursor, campaign_id, seqs)
    rows = rows_of_unsent(entries, without_row, suspects)
    _rewrite(cursor, shard, rows, entries)
    forget_retries(cursor, shard, campaign_id, waiting)


def _rewrite(cursor: Cursor, shard: int, rows: Sequence[LedgerRow], before: Entries) -> None:
    insert_outcomes(cursor, shard, rows)
    add_counts(cursor, count_rewrites(shard, rows, before))


def _ended(message: ClaimedMessage, entry: LedgerEntry | None, *, in_doubt: bool) -> LedgerRow:
    return LedgerRow(
        message.campaign_id,
        message.seq,
        Status.UNKNOWN if in_doubt else Status.CANCELLED,
        message.generation,
        message.try_number,
        entry.attempts if entry else 0,
        None,
        IN_DOUBT if in_doubt else None,
        replaces=entry is not None,
        in_doubt=in_doubt,
    )
