"""Takeover of a shard: raise its epoch, and settle the claims of its last owner (rule 3).

Nothing here needs Kafka, so that the claims of a lost sender are settled even when its records are
deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace
from pymysql.cursors import Cursor

from campaign_common.database.cursors import ShardCursors
from campaign_common.domain.campaign import CampaignId, Delivery
from campaign_common.domain.claim import ClaimedMessage, decode_claim
from campaign_common.domain.message import LedgerEntry, MessageKey, Status, is_live
from campaign_common.domain.partition_map import PartitionMap, ShardPosition, position_under
from campaign_common.domain.receipts.stored_receipt import StoredReceipt, doubts_of
from campaign_common.domain.shard import Epoch, Shard
from campaign_common.errors import LeaseLost
from campaign_common.store.core.campaigns import CampaignVersion, read_versions
from campaign_common.store.messages.ledger import (
    LedgerRow,
    add_counts,
    count_changes,
    insert_outcomes,
    look_up,
)
from campaign_common.store.messages.possibly_sent import Doubts, note_possibly_sent, read_doubts
from campaign_common.store.messages.retry_schedule import forget_retries
from campaign_common.store.receipts.receipt_rows import ReceiptPlace, read_receipts
from campaign_common.store.shards.claims import ClaimRow, Place, lock_claim, take_claim
from campaign_sender.in_flight.owned_shard import OwnedShard

NONE_STORED: Mapping[MessageKey, StoredReceipt] = MappingProxyType({})
NONE_NOTED: Doubts = MappingProxyType({})


class Settlement(NamedTuple):
    """Decision about the messages that a lost sender had claimed."""

    unknown: list[LedgerRow]
    """At-most-once messages: not sent again, the outcome is unknown."""
    possibly_sent: list[ClaimedMessage]
    """At-least-once messages: fetched again and sent again under the same idempotency key."""
    sent: list[LedgerRow]
    """Messages about which a receipt has come, which proves that they were sent."""


class Takeover(NamedTuple):
    """Shard taken over, and the settled claims of its last owner."""

    owned: OwnedShard
    settlement: Settlement


def settle(
    claimed: Iterable[ClaimedMessage],
    entries: Mapping[MessageKey, LedgerEntry],
    versions: Mapping[CampaignId, CampaignVersion],
    receipts: Mapping[MessageKey, StoredReceipt] = NONE_STORED,
    noted: Doubts = NONE_NOTED,
) -> Settlement:
    """Decide about each claimed message that is still live (rule 1); the others are recorded.

    Messages of a deleted campaign no longer matter. A receipt of the same generation proves that a
    message was sent, in this try or in an earlier one, if its provider may have taken it (rule 14).
    `noted`: the providers that earlier lost senders may have handed messages to.
    """
    settlement = Settlement([], [], [])
    for message in claimed:
        entry = entries.get(MessageKey(message.campaign_id, message.seq))
        version = versions.get(message.campaign_id)
        if version is None or not is_live(entry, message.generation, message.try_number):
            continue
        receipt = receipts.get(MessageKey(message.campaign_id, message.seq))
        if receipt is not None and _is_proved(message, entry, receipt, noted):
            settlement.sent.append(_sent_row(message, entry, receipt, version.provider))
        elif version.delivery is Delivery.AT_LEAST_ONCE:
            settlement.possibly_sent.append(message)
        else:
            if message.provider == version.provider:
                message = message._replace(provider=None)  # noqa: PLW2901 - the campaign names it
            settlement.unknown.append(_unknown_row(message, entry))
    return settlement


def _is_proved(
    message: ClaimedMessage, entry: LedgerEntry | None, receipt: StoredReceipt, noted: Doubts
) -> bool:
    """Return whether a receipt proves a claimed message to be sent, in this or an earlier try."""
    earlier = noted.get((message.campaign_id, message.seq, message.generation), ())
    doubts = doubts_of(entry, {message.provider, *earlier})
    return receipt.is_of(message.generation) and receipt.proves(doubts)


def take_over(
    cursors: ShardCursors,
    shard: Shard,
    partition_map: PartitionMap,
    *,
    owner_token: bytes,
    owner_name: str,
) -> Takeover:
    """Make `owner_token` the owner of a shard, in the caller's transaction on the shard's server.

    Raises:
        LeaseLost: the claim row belongs to a newer partition map than the caller's.
    """
    row = lock_claim(cursors.own, shard)
    if row is None:
        raise LeaseLost(f"shard_claims has no row for shard {shard}; run campaign-db migrate")
    same_topic = row.place.topic_id == partition_map.topic_id
    if row.place.map_version > partition_map.version and same_topic:
        raise LeaseLost(f"shard {shard} belongs to partition map {row.place.map_version} already")
    settlement = _settle_claim(cursors, row)
    start = start_under(partition_map, row)
    place = Place(partition_map.topic_id, partition_map.partition(shard), partition_map.version)
    take_claim(
        cursors.own,
        shard,
        owner_token=owner_token,
        owner_name=owner_name,
        place=place,
        recorded_offset=start,
    )
    owned = OwnedShard(
        shard,
        epoch=Epoch(row.epoch + 1),
        owner_token=owner_token,
        transaction_number=row.transaction_number + 1,
        place=place,
    )
    owned.start_at(start)
    return Takeover(owned, settlement)


def start_under(partition_map: PartitionMap, row: ClaimRow) -> int:
    """Return the offset from which a shard's next owner fetches under `partition_map`."""
    position = ShardPosition(
        shard=row.shard,
        topic_id=row.place.topic_id,
        partition=row.place.partition,
        map_version=row.place.map_version,
        recorded_offset=row.recorded_offset,
        has_claims=bool(row.claimed),
    )
    return position_under(partition_map, position)


def _settle_claim(cursors: ShardCursors, row: ClaimRow) -> Settlement:
    cursor, claimed = cursors.own, decode_claim(row.claimed)
    if not claimed:
        return Settlement([], [], [])
    entries = look_up(cursor, _ledger_query(row.shard, claimed))
    versions = read_versions(cursors.main, {message.campaign_id for message in claimed})
    named = {campaign_id: version.provider for campaign_id, version in versions.items()}
    receipts = _read_receipts(cursor, row.shard, claimed, named)
    noted = read_doubts(cursor, _seqs_of(receipts)).doubts if receipts else NONE_NOTED
    settlement = settle(claimed, entries, versions, receipts, noted)
    ended = settlement.unknown + settlement.sent
    if ended:
        insert_outcomes(cursor, row.shard, ended)
        add_counts(cursor, count_changes(row.shard, ended))
        for campaign_id, seqs in _waiting_before(ended).items():
            forget_retries(cursor, row.shard, campaign_id, seqs)
    note_possibly_sent(cursor, row.shard, settlement.possibly_sent)
    return settlement


def _read_receipts(
    cursor: Cursor,
    shard: int,
    claimed: Iterable[ClaimedMessage],
    named: Mapping[CampaignId, str],
) -> dict[MessageKey, StoredReceipt]:
    """Read receipts without a lock: what comes later is looked at when it is open for a second."""
    places = [ReceiptPlace(shard, message.campaign_id, message.seq) for message in claimed]
    receipts = read_receipts(cursor, places, named)
    return {MessageKey(place.campaign_id, place.seq): one for place, one in receipts.items()}


def _seqs_of(keys: Iterable[MessageKey]) -> dict[CampaignId, list[int]]:
    seqs: dict[CampaignId, list[int]] = {}
    for campaign_id, seq in keys:
        seqs.setdefault(campaign_id, []).append(seq)
    return seqs


def _waiting_before(rows: Iterable[LedgerRow]) -> dict[CampaignId, list[int]]:
    """Return, by campaign, the seqs whose scheduled retry is settled."""
    seqs: dict[CampaignId, list[int]] = {}
    for row in rows:
        if row.replaces:
            seqs.setdefault(row.campaign_id, []).append(row.seq)
    return seqs


def _ledger_query(
    shard: Shard, claimed: Sequence[ClaimedMessage]
) -> dict[tuple[int, CampaignId], list[int]]:
    query: dict[tuple[int, CampaignId], list[int]] = {}
    for message in claimed:
        query.setdefault((shard, message.campaign_id), []).append(message.seq)
    return query


def _sent_row(
    message: ClaimedMessage, entry: LedgerEntry | None, receipt: StoredReceipt, named: str
) -> LedgerRow:
    """Return the row of a message that its receipt proves to be sent; its cost is not known."""
    row = LedgerRow.ended(message, entry, Status.SENT, further_attempts=1)
    provider = None if receipt.provider in ("", named) else receipt.provider
    return replace(row, provider=provider)


def _unknown_row(message: ClaimedMessage, entry: LedgerEntry | None) -> LedgerRow:
    return LedgerRow.ended(
        message, entry, Status.UNKNOWN, further_attempts=1, error_code="sender_lost", in_doubt=True
    )
