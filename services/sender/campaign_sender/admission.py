"""Admission: which fetched records are sent, decided from plain values (protocol rules 1, 5, 6).

The order matters and is the caller's to keep: campaigns and map are read after the records
were fetched; copies of held messages are set aside before the ledger is looked up.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from campaign_common.message import LedgerEntry, MessageKey, is_live
from campaign_common.partition_map import PartitionMap
from campaign_common.store.campaigns import CampaignVersion
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer, Result


class Sifted(NamedTuple):
    """Records parted in two."""

    kept: list[Message]
    dropped: list[Message]


class Admission(NamedTuple):
    """What becomes of the records of one batch."""

    to_send: list[Message]
    decided: list[Result]
    """Live, but ended without a call: they can never be delivered."""
    dropped: list[Message]
    """Void, or copies of a message that has its outcome."""


def drop_void(
    messages: Iterable[Message],
    versions: Mapping[int, CampaignVersion],
    partition_map: PartitionMap,
) -> Sifted:
    """Drop what must not be sent: campaign not running or of a later epoch, or older map."""
    kept: list[Message] = []
    dropped: list[Message] = []
    for message in messages:
        record = message.record
        version = versions.get(record.campaign_id)
        if (
            version is None
            or not version.sends(record.campaign_epoch)
            or record.map_version != partition_map.version
            or message.partition != partition_map.partition(record.shard)
        ):
            dropped.append(message)
        else:
            kept.append(message)
    return Sifted(kept, dropped)


def set_copies_aside(messages: Iterable[Message], held: Collection[MessageKey]) -> Sifted:
    """Part the first copy of each message from copies that must wait for its outcome.

    `held` are messages this process holds already. `dropped` are not lost: they wait, and are
    looked up again once the first copy is recorded or was dropped.
    """
    first: list[Message] = []
    copies: list[Message] = []
    seen = set(held)
    for message in messages:
        if message.key in seen:
            copies.append(message)
        else:
            seen.add(message.key)
            first.append(message)
    return Sifted(first, copies)


def wanted_entries(messages: Iterable[Message]) -> dict[tuple[int, int], list[int]]:
    """Group what the ledger must be asked for: {(shard, campaign_id): seqs}."""
    wanted: dict[tuple[int, int], list[int]] = defaultdict(list)
    for message in messages:
        record = message.record
        wanted[record.shard, record.campaign_id].append(record.seq)
    return wanted


def admit_live(messages: Sequence[Message], entries: Mapping[MessageKey, LedgerEntry]) -> Admission:
    """Decide by the ledger: live records are sent, copies of recorded messages are not."""
    to_send: list[Message] = []
    decided: list[Result] = []
    dropped: list[Message] = []
    for message in messages:
        record = message.record
        entry = entries.get(message.key) if entries else None
        if not is_live(entry, record.generation, record.try_number):
            dropped.append(message)
            continue
        if entry is not None:
            message.replaces = True
            message.in_doubt = bool(entry.in_doubt)
        if record.undeliverable is not None:
            decided.append(Result(message, Answer.PERMANENT, None, record.undeliverable[:32]))
        else:
            to_send.append(message)
    return Admission(to_send, decided, dropped)
