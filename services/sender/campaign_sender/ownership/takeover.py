"""Takeover of a shard: raise its epoch, and settle the claims of its last owner (rule 3).

Nothing here needs Kafka, so that the claims of a lost sender are settled even when its records are
deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from campaign_common.database.cursors import ShardCursors
from campaign_common.domain.campaign import CampaignId, Delivery
from campaign_common.domain.claim import ClaimedMessage, decode_claim
from campaign_common.domain.message import LedgerEntry, MessageKey, Status, is_live
from campaign_common.domain.partition_map import PartitionMap, ShardPosition, position_under
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
from campaign_common.store.messages.possibly_sent import note_possibly_sent
from campaign_common.store.messages.retry_schedule import forget_retries
from campaign_common.store.shards.claims import ClaimRow, Place, lock_claim, take_claim
from campaign_sender.in_flight.owned_shard import OwnedShard


class Settlement(NamedTuple):
    """Decision about the messages that a lost sender had claimed."""

    unknown: list[LedgerRow]
    """At-most-once messages: not sent again, the outcome is unknown."""
    possibly_sent: list[ClaimedMessage]
    """At-least-once messages: fetched again and sent again under the same idempotency key."""


class Takeover(NamedTuple):
    """Shard taken over, and the settled claims of its last owner."""

    owned: OwnedShard
    settlement: Settlement


def settle(
    claimed: Iterable[ClaimedMessage],
    entries: Mapping[MessageKey, LedgerEntry],
    versions: Mapping[CampaignId, CampaignVersion],
) -> Settlement:
    """Decide about each claimed message that is still live (rule 1); the others are recorded.

    Messages of a deleted campaign no longer matter.
    """
    unknown: list[LedgerRow] = []
    possibly_sent: list[ClaimedMessage] = []
    for message in claimed:
        entry = entries.get(MessageKey(message.campaign_id, message.seq))
        version = versions.get(message.campaign_id)
        if version is None or not is_live(entry, message.generation, message.try_number):
            continue
        if version.delivery is Delivery.AT_LEAST_ONCE:
            possibly_sent.append(message)
        else:
            if message.provider == version.provider:
                message = message._replace(provider=None)  # noqa: PLW2901 - the campaign names it
            unknown.append(_unknown_row(message, entry))
    return Settlement(unknown, possibly_sent)


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
        return Settlement([], [])
    entries = look_up(cursor, _ledger_query(row.shard, claimed))
    versions = read_versions(cursors.main, {message.campaign_id for message in claimed})
    settlement = settle(claimed, entries, versions)
    if settlement.unknown:
        insert_outcomes(cursor, row.shard, settlement.unknown)
        add_counts(cursor, count_changes(row.shard, settlement.unknown))
        for campaign_id, seqs in _waiting_before(settlement.unknown).items():
            forget_retries(cursor, row.shard, campaign_id, seqs)
    note_possibly_sent(cursor, row.shard, settlement.possibly_sent)
    return settlement


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


def _unknown_row(message: ClaimedMessage, entry: LedgerEntry | None) -> LedgerRow:
    return LedgerRow.ended(
        message, entry, Status.UNKNOWN, further_attempts=1, error_code="sender_lost", in_doubt=True
    )
