"""Admission: which fetched records are sent, decided from plain values (protocol rules 1, 5, 6).

The order matters and is the caller's to keep: campaigns and map are read after the records
were fetched; copies of held messages are set aside before the ledger is looked up.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from campaign_common.campaign import Delivery
from campaign_common.message import LedgerEntry, MessageKey, is_live
from campaign_common.partition_map import PartitionMap
from campaign_common.store.campaigns import CampaignVersion
from campaign_common.wire import ERASED
from campaign_sender.message import AdmissionKey, Message
from campaign_sender.providers.contract import SendResult, SendStatus

COMMITS_LOST = "commits_lost"
"""The error code of messages that ended as unknown because the database lost commits."""


class Filtered(NamedTuple):
    """Records parted in two."""

    kept: list[Message]
    dropped: list[Message]


class AdmissionDecision(NamedTuple):
    """What becomes of the records of one batch."""

    to_send: list[Message]
    decided: list[SendResult]
    """Live, but ended without a call: they can never be delivered."""
    dropped: list[Message]
    """Void, or copies of a message that has its outcome."""


class PossiblySent(NamedTuple):
    """What becomes of messages that may have been called before the database lost commits."""

    unknown: list[SendResult]
    """Delivered at most once: they end without a call."""
    suspects: list[Message]
    """Delivered at least once: sent as any other, under the same idempotency key."""


def drop_stale(
    messages: Iterable[Message],
    versions: Mapping[int, CampaignVersion],
    partition_map: PartitionMap,
) -> Filtered:
    """Drop what must not be sent: campaign not running or of a later epoch, or older map."""
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
    versions: Mapping[int, CampaignVersion],
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
    """Drop what the owner of the shard is asked to cancel, and will: nobody is called for it."""
    kept: list[Message] = []
    dropped: list[Message] = []
    for message in messages:
        (dropped if message.key in erased else kept).append(message)
    return Filtered(kept, dropped)


def split_duplicates(messages: Iterable[Message], held: Collection[MessageKey]) -> Filtered:
    """Part the first copy of each message from copies that must wait for its outcome.

    `held` are messages this process holds already. `dropped` are not lost: they wait, and are
    looked up again once the first copy is recorded or was dropped.
    """
    messages = list(messages)
    first: list[Message] = []
    copies: list[Message] = []
    seen = set(held)
    if not seen and len({message.key for message in messages}) == len(messages):
        return Filtered(messages, copies)
    for message in messages:
        if message.key in seen:
            copies.append(message)
        else:
            seen.add(message.key)
            first.append(message)
    return Filtered(first, copies)


def ledger_query(messages: Iterable[Message]) -> dict[tuple[int, int], list[int]]:
    """Group what the ledger must be asked for: {(shard, campaign_id): seqs}."""
    wanted: dict[tuple[int, int], list[int]] = defaultdict(list)
    for message in messages:
        record = message.record
        wanted[record.shard, record.campaign_id].append(record.seq)
    return wanted


def split_possibly_sent(
    doubtful: Sequence[Message],
    versions: Mapping[int, CampaignVersion],
    entries: Mapping[MessageKey, LedgerEntry],
) -> PossiblySent:
    """Decide on messages that the database has lost all trace of (protocol rule 16).

    To be asked before void ones are dropped: what was called may be void by now, and comes
    again under another epoch. What can never be delivered was not called, and a campaign
    whose row is gone has nothing left to be in doubt.
    """
    unknown: list[SendResult] = []
    suspects: list[Message] = []
    for message in doubtful:
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
        if version.delivery is Delivery.AT_MOST_ONCE:
            unknown.append(SendResult(message, SendStatus.AMBIGUOUS, None, COMMITS_LOST))
        else:
            suspects.append(message)
    return PossiblySent(unknown, suspects)


def admit_live(
    messages: Sequence[Message], entries: Mapping[MessageKey, LedgerEntry]
) -> AdmissionDecision:
    """Decide by the ledger: live records are sent, copies of recorded messages are not."""
    to_send: list[Message] = []
    decided: list[SendResult] = []
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
        if record.undeliverable is not None:
            status = (
                SendStatus.ERASED if record.undeliverable == ERASED else SendStatus.UNDELIVERABLE
            )
            decided.append(SendResult(message, status, None, record.undeliverable[:32]))
        else:
            to_send.append(message)
    return AdmissionDecision(to_send, decided, dropped)


def _is_first(message: Message) -> bool:
    """Tell whether a message of which nothing is recorded is sent, as nearly all are."""
    record = message.record
    return record.undeliverable is None and is_live(None, record.generation, record.try_number)
