"""Handlers of the commands to a shard's owner, which rewrite recorded outcomes.

Each handler processes one slice inside the owner's fenced transaction, and stores in the same
transaction what is left of the command, or closes it (protocol rules 3, 10 and 14).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from pymysql.cursors import Cursor

from campaign_common.database.cursors import ShardCursors
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.claim import ClaimedMessage
from campaign_common.domain.message import (
    LARGEST_GENERATION,
    LedgerEntry,
    MessageKey,
    Status,
)
from campaign_common.store.core.campaigns import read_extent, read_versions
from campaign_common.store.core.costs import add_costs
from campaign_common.store.messages.ledger import (
    EndedIn,
    LedgerRow,
    add_counts,
    costs_of,
    count_rewrites,
    ended_in,
    insert_outcomes,
    look_up,
)
from campaign_common.store.messages.possibly_sent import (
    FINAL_FACTS,
    LateFact,
    possibly_sent_without_outcome,
    read_late_facts,
    read_possibly_sent,
)
from campaign_common.store.messages.retry_schedule import (
    ScheduledRetry,
    forget_retries,
    schedule_retries,
    waiting_seqs,
)
from campaign_common.store.receipts.turned_back import lock_undelivered, take_receipts_out
from campaign_common.store.shards import shard_commands
from campaign_common.store.shards.shard_commands import CommandKind, ShardCommand
from campaign_sender.recording.receipt_proofs import prove_unknown, settle_reported

SEQS_AT_ONCE = 2_000
"""Messages rewritten in one transaction."""

SCANNED_SEQS = 100_000
"""Sequence numbers scanned in one transaction, however few of them match."""

IN_DOUBT = "cancelled_in_doubt"
"""Error code of messages that may have been sent before their campaign was cancelled."""

HeldSeqs = Collection[int]
"""Seqs of the command's campaign and shard that this process holds."""

Handler = Callable[[ShardCursors, ShardCommand, Any], None]
"""Takes what this process holds of the shard: `HeldSeqs`, or for receipts, whose commands name
messages of several campaigns, the keys of messages."""

Entries = Mapping[MessageKey, LedgerEntry]

PossiblySentTries = Collection[tuple[int, int]]
"""(seq, generation) of messages that a lost sender may have sent."""


def finalize_cancelled(cursors: ShardCursors, command: ShardCommand, _: HeldSeqs) -> None:
    """Give messages of a cancelled campaign that wait, or are in doubt, their final outcome.

    Executed only when nothing of the campaign is held: what is at a provider is recorded first.
    """
    cursor, shard, campaign_id = cursors.own, command.shard, command.campaign_id
    possibly_sent = possibly_sent_without_outcome(cursor, shard, campaign_id, SEQS_AT_ONCE)
    waiting = waiting_seqs(cursor, shard, campaign_id, SEQS_AT_ONCE)
    _end_unsent(cursors, command, waiting, possibly_sent)
    if len(waiting) < SEQS_AT_ONCE and len(possibly_sent) < SEQS_AT_ONCE:
        shard_commands.close_command(cursor, command)


def requeue_for_retry(cursors: ShardCursors, command: ShardCommand, _: HeldSeqs) -> None:
    """Turn messages that ended as the command says back to waiting, due now, next generation.

    Those that were sent by their receipts end as sent instead.
    """
    cursor = cursors.own
    extent = read_extent(cursors.main, command.campaign_id)
    if extent is None or extent[0] is CampaignState.CANCELLED:
        shard_commands.close_command(cursor, command)
        return
    last_seq = extent[1]
    arguments = command.arguments
    ended = EndedIn(
        command.campaign_id,
        [Status(number) for number in arguments["statuses"]],
        arguments["error_code"],
        command.requested_at,
    )
    first = arguments["after_seq"] + 1
    seqs = range(first, min(first + SCANNED_SEQS, last_seq + 1))
    entries = ended_in(cursor, command.shard, ended, seqs, SEQS_AT_ONCE)
    proved = prove_unknown(cursors, command.shard, entries)
    _requeue(cursors, command, {key: e for key, e in entries.items() if key not in proved})
    reached = max(key.seq for key in entries) if len(entries) == SEQS_AT_ONCE else seqs.stop - 1
    if reached < last_seq:
        shard_commands.move_command(cursor, command, {**arguments, "after_seq": reached})
    else:
        shard_commands.close_command(cursor, command)


def requeue_undelivered(cursors: ShardCursors, command: ShardCommand, _: HeldSeqs) -> None:
    """Turn sent messages that were not delivered back to waiting, due now, next generation.

    Each once: the command goes through the messages in their order.
    """
    cursor, shard, campaign_id = cursors.own, command.shard, command.campaign_id
    extent = read_extent(cursors.main, campaign_id)
    if extent is None or extent[0] is CampaignState.CANCELLED:
        shard_commands.close_command(cursor, command)
        return
    arguments, last_seq = command.arguments, extent[1]
    first = arguments["after_seq"] + 1
    seqs = range(first, min(first + SCANNED_SEQS, last_seq + 1))
    undelivered, reached = lock_undelivered(
        cursor, shard, campaign_id, seqs, arguments["code"], SEQS_AT_ONCE
    )
    looked_up = look_up(cursor, {(shard, campaign_id): sorted(undelivered)} if undelivered else {})
    entries = {
        key: entry
        for key, entry in looked_up.items()
        if (receipt := undelivered.get(key.seq)) is not None
        and (entry.status, entry.generation) == (Status.SENT, receipt.generation)
    }
    _requeue(cursors, command, entries)
    if reached < last_seq:
        shard_commands.move_command(cursor, command, {**arguments, "after_seq": reached})
    else:
        shard_commands.close_command(cursor, command)


def erase(cursors: ShardCursors, command: ShardCommand, held: HeldSeqs) -> None:
    """Cancel the listed messages that are not sent; those that are held stay listed."""
    cursor, listed = cursors.own, command.arguments["seqs"]
    free = [seq for seq in listed if seq not in held][:SEQS_AT_ONCE]
    wanted = {(command.shard, command.campaign_id): free}
    entries = {key.seq: entry for key, entry in look_up(cursor, wanted).items()}
    waiting = [seq for seq in free if seq in entries and entries[seq].status == Status.WAITING]
    missing = [ClaimedMessage(command.campaign_id, seq, 0, 1) for seq in free if seq not in entries]
    _end_unsent(cursors, command, waiting, missing)
    done = set(free)
    _store_remaining(cursor, command, [seq for seq in listed if seq not in done])


def apply_late_results(cursors: ShardCursors, command: ShardCommand, _: HeldSeqs) -> None:
    """Turn `unknown` into the late result of the same try (protocol rule 14, late results)."""
    cursor, listed = cursors.own, command.arguments["seqs"]
    seqs, left = listed[:SEQS_AT_ONCE], listed[SEQS_AT_ONCE:]
    entries = look_up(cursor, {(command.shard, command.campaign_id): seqs}) if seqs else {}
    facts = read_late_facts(cursor, command.shard, command.campaign_id, seqs)
    possibly_sent = read_possibly_sent(cursor, command.campaign_id, seqs)
    _rewrite(cursors, command, rows_of_late_results(facts, entries, possibly_sent), entries)
    _store_remaining(cursor, command, left)


HANDLERS: Mapping[str, Handler] = {
    CommandKind.SETTLE_CANCELLED: finalize_cancelled,
    CommandKind.RETRY: requeue_for_retry,
    CommandKind.RETRY_RECEIPTS: requeue_undelivered,
    CommandKind.ERASE: erase,
    CommandKind.LATE_RESULTS: apply_late_results,
    CommandKind.RECEIPTS: settle_reported,
}
"""Handler by kind: processes a slice, and closes the command when nothing is left."""


def rows_of_late_results(
    facts: Iterable[LateFact], entries: Entries, possibly_sent: PossiblySentTries = frozenset()
) -> list[LedgerRow]:
    """Return the rows that replace `unknown`: only a final result of the same try counts.

    Where two senders have different results of one try, `sent` wins. A refusal of a message in
    `possibly_sent` proves nothing: the try was sent a second time, or may have been.
    """
    rows: dict[int, LedgerRow] = {}
    failed_first = sorted(facts, key=lambda fact: fact.status is Status.SENT)
    for message, status, provider_message_id, error_code, provider, cost in failed_first:
        key = MessageKey(message.campaign_id, message.seq)
        entry = entries.get(key)
        if (
            entry is not None
            and status in FINAL_FACTS
            and (status is Status.SENT or (message.seq, message.generation) not in possibly_sent)
            and entry[:3] == (Status.UNKNOWN, message.generation, message.try_number)
        ):
            rows[message.seq] = LedgerRow.settled(
                key, entry, status, provider_message_id, error_code, provider, cost
            )
    return list(rows.values())


def rows_of_requeued(entries: Entries) -> list[LedgerRow]:
    """Return the rows of the next generation; those of the highest one stay as they are."""
    return [
        LedgerRow.requeued(key, entry)
        for key, entry in entries.items()
        if entry.generation < LARGEST_GENERATION
    ]


def rows_of_unsent(
    entries: Entries,
    without_row: Iterable[ClaimedMessage],
    possibly_sent: Mapping[tuple[int, int], str | None],
) -> list[LedgerRow]:
    """Return final rows of unsent messages: cancelled, or unknown where one may have been sent.

    `possibly_sent`: providers by (seq, generation) of messages that a lost sender may have sent.
    """
    rows = {
        key.seq: _ended(
            _as_claimed(key, entry, possibly_sent.get((key.seq, entry.generation))),
            entry,
            in_doubt=bool(entry.in_doubt) or (key.seq, entry.generation) in possibly_sent,
        )
        for key, entry in entries.items()
        if entry.status == Status.WAITING
    }
    for message in without_row:
        in_doubt = (message.seq, message.generation) in possibly_sent
        rows[message.seq] = _ended(message, None, in_doubt=in_doubt)
    return list(rows.values())


def _store_remaining(cursor: Cursor, command: ShardCommand, seqs: Sequence[int]) -> None:
    """Store which messages of a command are left, or close it."""
    if seqs:
        shard_commands.move_command(cursor, command, {"seqs": seqs})
    else:
        shard_commands.close_command(cursor, command)


def _end_unsent(
    cursors: ShardCursors,
    command: ShardCommand,
    waiting: Sequence[int],
    without_row: Sequence[ClaimedMessage],
) -> None:
    """End messages as cancelled, or as unknown where one may have been sent."""
    cursor, shard, campaign_id = cursors.own, command.shard, command.campaign_id
    entries = look_up(cursor, {(shard, campaign_id): waiting}) if waiting else {}
    seqs = [*waiting, *(message.seq for message in without_row)]
    possibly_sent = read_possibly_sent(cursor, campaign_id, seqs)
    rows = rows_of_unsent(entries, without_row, possibly_sent)
    _rewrite(cursors, command, rows, entries)
    forget_retries(cursor, shard, campaign_id, waiting)


def _requeue(cursors: ShardCursors, command: ShardCommand, entries: Entries) -> None:
    """Turn messages back to waiting, without what was reported about them."""
    rows = rows_of_requeued(entries)
    generations = {row.seq: row.generation for row in rows}
    take_receipts_out(cursors.own, command.shard, command.campaign_id, generations)
    _rewrite(cursors, command, rows, entries)
    schedule_retries(cursors.own, command.shard, [ScheduledRetry(row, 0.0) for row in rows])


def _rewrite(
    cursors: ShardCursors, command: ShardCommand, rows: Sequence[LedgerRow], before: Entries
) -> None:
    cursor, shard = cursors.own, command.shard
    version = read_versions(cursors.main, {command.campaign_id}).get(command.campaign_id)
    if version is not None:
        rows = [_beside(version.provider, row) for row in rows]
    insert_outcomes(cursor, shard, rows)
    add_counts(cursor, count_rewrites(shard, rows, before))
    add_costs(cursor, costs_of(shard, rows))


def _beside(named: str, row: LedgerRow) -> LedgerRow:
    """Return a row that names its provider only if its campaign does not."""
    return replace(row, provider=None) if row.provider == named else row


def _as_claimed(key: MessageKey, entry: LedgerEntry, provider: str | None) -> ClaimedMessage:
    if entry.in_doubt:
        provider = None  # the row names that of its own doubt
    return ClaimedMessage(
        key.campaign_id, key.seq, entry.generation, entry.try_number, provider or entry.provider
    )


def _ended(message: ClaimedMessage, entry: LedgerEntry | None, *, in_doubt: bool) -> LedgerRow:
    if in_doubt:
        return LedgerRow.ended(message, entry, Status.UNKNOWN, error_code=IN_DOUBT, in_doubt=True)
    return LedgerRow.ended(message, entry, Status.CANCELLED)
