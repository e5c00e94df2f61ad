"""Outcomes that receipts prove: part of the owner's transactions (protocol rule 14)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace
from pymysql.cursors import Cursor

from campaign_common.database.cursors import ShardCursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import LedgerEntry, MessageKey, Status
from campaign_common.domain.receipts.stored_receipt import (
    MAY_BE_PROVED,
    NO_DOUBTS,
    DoubtedProviders,
    ReceiptState,
    StoredReceipt,
    look_again,
    proves_send,
)
from campaign_common.store.core.campaigns import read_versions
from campaign_common.store.core.receipt_counters import (
    ReceiptKey,
    add_receipt_counts,
    count_change,
)
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_rewrites,
    insert_outcomes,
    look_up,
)
from campaign_common.store.messages.possibly_sent import read_doubts
from campaign_common.store.messages.retry_schedule import forget_retries
from campaign_common.store.receipts.receipt_rows import (
    ReceiptPlace,
    Receipts,
    lock_receipts,
    write_receipts,
)
from campaign_common.store.shards.shard_commands import ShardCommand, close_command


def named_messages(command: ShardCommand) -> dict[MessageKey, int]:
    """Return the messages that a command about receipts names, with their generations."""
    return {
        MessageKey(CampaignId(campaign_id), seq): generation
        for campaign_id, seq, generation in command.arguments["messages"]
    }


def settle_reported(
    cursors: ShardCursors, command: ShardCommand, held: Collection[MessageKey]
) -> None:
    """Record what receipts prove, and close them.

    What is held has its result first. What can not be closed, or is being written, is named again
    by a later look.
    """
    cursor, shard = cursors.own, command.shard
    keys = [key for key in named_messages(command) if key not in held]
    versions = read_versions(cursors.main, {key.campaign_id for key in keys})
    named = {campaign_id: version.provider for campaign_id, version in versions.items()}
    places = [ReceiptPlace(shard, *key) for key in keys if key.campaign_id in named]
    before = lock_receipts(cursor, places, named, skip_locked=True)
    entries = _look_up(cursor, shard, before)
    after = record_proved(cursor, shard, before, entries, named)
    for place, receipt in before.items():
        if receipt.is_open and place not in after:
            entry = entries.get(MessageKey(place.campaign_id, place.seq))
            after[place] = look_again(receipt, entry, named[place.campaign_id], is_owner=True)
    replace_receipts(cursor, before, after, named)
    close_command(cursor, command)


def prove_unknown(
    cursors: ShardCursors, shard: int, entries: Mapping[MessageKey, LedgerEntry]
) -> set[MessageKey]:
    """Record those of the unknown messages as sent whose receipts prove it; return them.

    A receipt may be stored and not yet looked at when a person has the message sent again.
    """
    unknown = {key: entry for key, entry in entries.items() if entry.status == Status.UNKNOWN}
    versions = read_versions(cursors.main, {key.campaign_id for key in unknown})
    named = {campaign_id: version.provider for campaign_id, version in versions.items()}
    places = [ReceiptPlace(shard, *key) for key in unknown if key.campaign_id in named]
    before = lock_receipts(cursors.own, places, named)
    after = record_proved(cursors.own, shard, before, unknown, named)
    replace_receipts(cursors.own, before, after, named)
    return {MessageKey(place.campaign_id, place.seq) for place in after}


def record_proved(
    cursor: Cursor,
    shard: int,
    receipts: Receipts,
    entries: Mapping[MessageKey, LedgerEntry],
    named: Mapping[CampaignId, str],
) -> Receipts:
    """Record as sent what locked receipts prove; return those, closed, to be stored."""
    noted = _noted(cursor, receipts, entries)
    rows: list[LedgerRow] = []
    closed: Receipts = {}
    for place, receipt in receipts.items():
        key = MessageKey(place.campaign_id, place.seq)
        entry = entries.get(key)
        if receipt.is_open and proves_send(receipt, entry, noted.get(key, NO_DOUBTS)):
            rows.append(proved_row(key, receipt, entry, named[key.campaign_id]))
            closed[place] = receipt._replace(state=ReceiptState.SENT)
    insert_outcomes(cursor, shard, rows)
    for campaign_id, seqs in _waiting(rows, entries).items():
        forget_retries(cursor, shard, campaign_id, seqs)
    add_counts(cursor, count_rewrites(shard, rows, entries))
    return closed


def replace_receipts(
    cursor: Cursor, before: Receipts, after: Receipts, named: Mapping[CampaignId, str]
) -> None:
    """Store those of `after` that differ from the locked rows `before`, and count them."""
    changed = {place: receipt for place, receipt in after.items() if receipt != before.get(place)}
    changes: Counter[ReceiptKey] = Counter()
    for place, receipt in changed.items():
        count_change(changes, place.campaign_id, place.shard, before.get(place), receipt)
    write_receipts(cursor, before, changed, named)
    add_receipt_counts(cursor, changes)


def proved_row(
    key: MessageKey, receipt: StoredReceipt, entry: LedgerEntry | None, named: str
) -> LedgerRow:
    """Return the row of a message whose receipt proves that it was sent.

    Its cost is not known: the sender that sent it has not recorded it.
    """
    provider = None if receipt.provider == named else receipt.provider
    if entry is not None:
        row = LedgerRow.settled(key, entry, Status.SENT, None, None)
        return replace(row, provider=provider)
    return LedgerRow(
        campaign_id=key.campaign_id,
        seq=key.seq,
        status=Status.SENT,
        generation=receipt.generation,
        try_number=1,
        attempts=1,
        provider=provider,
    )


def _look_up(cursor: Cursor, shard: int, receipts: Receipts) -> dict[MessageKey, LedgerEntry]:
    wanted: dict[tuple[int, CampaignId], list[int]] = {}
    for place in receipts:
        wanted.setdefault((shard, place.campaign_id), []).append(place.seq)
    return look_up(cursor, wanted)


def _noted(
    cursor: Cursor, receipts: Receipts, entries: Mapping[MessageKey, LedgerEntry]
) -> dict[MessageKey, DoubtedProviders]:
    """Return the providers that may have taken messages in the generation reported, beside the row.

    Of those that a receipt may prove to be sent, where the row alone does not show it.
    """
    wanted: dict[CampaignId, list[int]] = {}
    for place, receipt in receipts.items():
        entry = entries.get(MessageKey(place.campaign_id, place.seq))
        if not receipt.is_open or (entry is not None and entry.status not in MAY_BE_PROVED):
            continue
        is_proved_by_row = entry is not None and entry.in_doubt and proves_send(receipt, entry)
        if not is_proved_by_row:
            wanted.setdefault(place.campaign_id, []).append(place.seq)
    if not wanted:
        return {}
    reported = {
        (place.campaign_id, place.seq, receipt.generation): MessageKey(place.campaign_id, place.seq)
        for place, receipt in receipts.items()
    }
    return {
        reported[noted]: frozenset(providers)
        for noted, providers in read_doubts(cursor, wanted).doubts.items()
        if noted in reported
    }


def _waiting(
    rows: Sequence[LedgerRow], entries: Mapping[MessageKey, LedgerEntry]
) -> dict[CampaignId, list[int]]:
    seqs: dict[CampaignId, list[int]] = {}
    for row in rows:
        entry = entries.get(MessageKey(row.campaign_id, row.seq))
        if entry is not None and entry.status == Status.WAITING:
            seqs.setdefault(row.campaign_id, []).append(row.seq)
    return seqs
