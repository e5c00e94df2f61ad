"""Admission rules: pure decisions which fetched records are sent (protocol rules 1, 5, 6, 16).

The caller keeps the order: campaigns and partition map are read after the records were fetched, and
duplicates of held messages are split off before the ledger is looked up.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from campaign_common.domain.campaign import CampaignId, Delivery
from campaign_common.domain.message import LedgerEntry, MessageKey, is_live
from campaign_common.domain.message_record import ERASED
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.suppressions.suppression_scope import SUPPRESSED
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.first_sends import LONG_AGO
from campaign_common.store.receipts.receipt_rows import ReceiptPlace, Receipts
from campaign_providers.contract import UNREADY_PAUSE, SendResult, SendStatus
from campaign_sender.message import AdmissionKey, Message

COMMITS_LOST = "commits_lost"
"""Error code of messages that end as unknown because the database lost commits."""


class Filtered(NamedTuple):
    """Messages that pass a rule, and those that do not, which are done with."""

    kept: list[Message]
    dropped: list[Message]


class Copies(NamedTuple):
    """First copies of messages, and duplicates that wait for the outcome of the first."""

    first: list[Message]
    duplicates: list[Message]


class AdmissionDecision(NamedTuple):
    """Decision about the messages of one batch."""

    to_send: list[Message]
    decided: list[SendResult[Message]]
    """Live messages that are not sent: they can never be delivered, or not by this sender."""
    dropped: list[Message]
    """Stale messages, and duplicates of messages that have their outcome."""


class PossiblySent(NamedTuple):
    """Decision about messages that may have been sent before the database lost commits."""

    unknown: list[SendResult[Message]]
    """At-most-once messages: they end without a send."""
    possibly_sent: list[Message]
    """At-least-once messages: sent as any other, under the same idempotency key."""


def drop_stale(
    messages: Iterable[Message],
    versions: Mapping[CampaignId, CampaignVersion],
    partition_map: PartitionMap,
) -> Filtered:
    """Drop messages of a campaign that is not running or has a later epoch, or of an older map."""
    filtered = Filtered([], [])
    decided: dict[AdmissionKey, list[Message]] = {}
    for message in messages:
        admission_key = message.admission_key
        if admission_key not in decided:
            is_stale = _is_stale(admission_key, versions, partition_map)
            decided[admission_key] = filtered.dropped if is_stale else filtered.kept
        decided[admission_key].append(message)
    return filtered


def _is_stale(
    admission_key: AdmissionKey,
    versions: Mapping[CampaignId, CampaignVersion],
    partition_map: PartitionMap,
) -> bool:
    campaign_id, campaign_epoch, map_version, shard, partition = admission_key
    version = versions.get(campaign_id)
    return (
        version is None
        or not version.sends(campaign_epoch)
        or map_version != partition_map.version
        or partition != partition_map.partition(shard)
    )


def drop_erased(messages: Iterable[Message], erased: Collection[MessageKey]) -> Filtered:
    """Drop messages that a pending command will cancel."""
    kept: list[Message] = []
    dropped: list[Message] = []
    for message in messages:
        (dropped if message.key in erased else kept).append(message)
    return Filtered(kept, dropped)


class NotSuppressed(NamedTuple):
    """Messages that their people want, and the results of those that end as suppressed."""

    to_send: list[Message]
    decided: list[SendResult[Message]]


def split_suppressed(messages: Sequence[Message]) -> NotSuppressed:
    """Split off the messages that are marked as suppressed."""
    to_send = [message for message in messages if not message.suppressed]
    if len(to_send) == len(messages):
        return NotSuppressed(to_send, [])
    return NotSuppressed(
        to_send,
        [
            SendResult(one, SendStatus.SUPPRESSED, None, SUPPRESSED)
            for one in messages
            if one.suppressed
        ],
    )


def split_duplicates(messages: Iterable[Message], held: Collection[MessageKey]) -> Copies:
    """Split the first copy of each message from duplicates that must wait for its outcome.

    `held` are messages that this process holds already. Duplicates stay enqueued, and are looked up
    again once the first copy is recorded or dropped.
    """
    messages = list(messages)
    first: list[Message] = []
    duplicates: list[Message] = []
    seen = set(held)
    if not seen and len({message.key for message in messages}) == len(messages):
        return Copies(messages, duplicates)
    for message in messages:
        if message.key in seen:
            duplicates.append(message)
        else:
            seen.add(message.key)
            first.append(message)
    return Copies(first, duplicates)


def ledger_query(messages: Iterable[Message]) -> dict[tuple[int, CampaignId], list[int]]:
    """Return the ledger query for messages: {(shard, campaign_id): seqs}."""
    query: dict[tuple[int, CampaignId], list[int]] = defaultdict(list)
    for message in messages:
        record = message.record
        query[record.shard, record.campaign_id].append(record.seq)
    return query


def split_possibly_sent(
    candidates: Sequence[Message],
    versions: Mapping[CampaignId, CampaignVersion],
    entries: Mapping[MessageKey, LedgerEntry],
) -> PossiblySent:
    """Decide about messages that may have been sent, though the ledger has no trace (rule 16).

    Call this before `drop_stale`: a message may have been sent although its record is stale now.
    Undeliverable messages were never sent, and messages of deleted campaigns no longer matter.
    """
    unknown: list[SendResult[Message]] = []
    possibly_sent: list[Message] = []
    for message in candidates:
        record = message.record
        entry = entries.get(message.key)
        version = versions.get(record.campaign_id)
        if (
            version is None
            or record.undeliverable is not None
            or not is_live(entry, record.generation, record.try_number)
        ):
            continue
        message.replaces = entry is not None
        message.in_doubt = True
        message.sent_after = LONG_AGO  # maybe before its campaign was started again
        if version.delivery is Delivery.AT_MOST_ONCE:
            unknown.append(SendResult(message, SendStatus.AMBIGUOUS, None, COMMITS_LOST))
        else:
            possibly_sent.append(message)
    return PossiblySent(unknown, possibly_sent)


def admit_live(
    messages: Sequence[Message], entries: Mapping[MessageKey, LedgerEntry]
) -> AdmissionDecision:
    """Decide by the ledger: live messages are sent, duplicates of recorded ones are not."""
    to_send: list[Message] = []
    decided: list[SendResult[Message]] = []
    dropped: list[Message] = []
    if not entries and all(map(_is_first, messages)):
        return AdmissionDecision(list(messages), decided, dropped)
    for message in messages:
        record = message.record
        entry = entries.get(message.key)
        if not is_live(entry, record.generation, record.try_number):
            dropped.append(message)
            continue
        if entry is not None:
            message.replaces = True
            message.in_doubt = message.in_doubt or bool(entry.in_doubt)
            message.ledger_provider = message.recorded_provider = entry.provider
        if record.undeliverable is not None:
            status = (
                SendStatus.ERASED if record.undeliverable == ERASED else SendStatus.UNDELIVERABLE
            )
            decided.append(SendResult(message, status, None, record.undeliverable[:32]))
        else:
            to_send.append(message)
    return AdmissionDecision(to_send, decided, dropped)


def hold_unready(
    messages: Sequence[Message], unready: Callable[[str], str | None]
) -> AdmissionDecision:
    """Hold back what this sender can not hand over to a provider, without a claim or an attempt.

    `unready` returns an error code for a provider that is not known or lacks its secret.
    """
    codes = {provider: unready(provider) for provider in {one.provider for one in messages}}
    if not any(codes.values()):
        return AdmissionDecision(list(messages), [], [])
    to_send: list[Message] = []
    held: list[SendResult[Message]] = []
    for message in messages:
        code = codes[message.provider]
        if code is None:
            to_send.append(message)
        else:
            held.append(SendResult(message, SendStatus.UNCONFIGURED, None, code, UNREADY_PAUSE))
    return AdmissionDecision(to_send, held, [])


def _is_first(message: Message) -> bool:
    """Return whether a message without a ledger row is live, as nearly all are."""
    record = message.record
    return record.undeliverable is None and is_live(None, record.generation, record.try_number)


def place_of(message: Message) -> ReceiptPlace:
    """Return the place of the receipt of a message."""
    return ReceiptPlace(message.record.shard, message.key.campaign_id, message.key.seq)


def is_reported(message: Message, receipts: Receipts, *, is_ambiguous: bool = False) -> bool:
    """Return whether a receipt proves that a message in doubt was sent (protocol rule 14).

    In its generation, and by one of the providers that may have accepted it. `is_ambiguous`: its
    present provider may, too.
    """
    receipt = receipts.get(place_of(message))
    if receipt is None or not receipt.is_of(message.generation):
        return False
    if not receipt.provider and message.ledger_provider is None:
        receipt = receipt._replace(provider=message.provider)  # the one that the campaign names
    own = (message.provider or None,)
    doubts = message.doubts or own
    return receipt.proves({*doubts, *own} if is_ambiguous else doubts)
