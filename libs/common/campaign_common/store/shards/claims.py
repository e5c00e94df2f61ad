"""shard_claims: who owns a shard, what that owner has claimed, and how far it has recorded.

Every write of an owner begins with `move_claim`, a compare-and-set on (epoch, owner token,
transaction number); a takeover changes all three (protocol rules 2 to 4).
"""

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.claim import count_claimed
from campaign_common.domain.shard import Epoch, Partition, Shard


class Place(NamedTuple):
    """Place in Kafka of a recorded offset."""

    topic_id: str
    partition: Partition
    map_version: int


class ClaimRow(NamedTuple):
    """One row of shard_claims."""

    shard: Shard
    epoch: Epoch
    owner_token: bytes
    transaction_number: int
    claimed: bytes
    place: Place
    recorded_offset: int


class ClaimMove(NamedTuple):
    """The changes of one transaction of an owner to its claim row."""

    shard: Shard
    epoch: Epoch
    owner_token: bytes
    transaction_number: int
    claimed: bytes
    recorded_offset: int


_COLUMNS = (
    "shard, epoch, owner_token, transaction_number, claimed,"
    " topic_id, partition_number, map_version, recorded_offset"
)

SELECT_ALL = f"SELECT {_COLUMNS} FROM shard_claims ORDER BY shard"

SELECT_CLAIMED = "SELECT claimed FROM shard_claims WHERE claimed <> ''"

SELECT_CLAIMED_LISTS = "SELECT shard, claimed FROM shard_claims WHERE shard IN %s AND claimed <> ''"

SELECT_FOR_UPDATE = f"SELECT {_COLUMNS} FROM shard_claims WHERE shard = %s FOR UPDATE"

MOVE = """
UPDATE shard_claims
SET transaction_number = transaction_number + 1, claimed = %s, recorded_offset = %s,
    updated_at = NOW(6)
WHERE shard = %s AND epoch = %s AND owner_token = %s AND transaction_number = %s
"""

TAKE = """
UPDATE shard_claims
SET epoch = epoch + 1, owner_token = %s, owner_name = %s,
    transaction_number = transaction_number + 1, claimed = '',
    topic_id = %s, partition_number = %s, map_version = %s, recorded_offset = %s,
    updated_at = NOW(6)
WHERE shard = %s
"""


def read_claims(cursor: Cursor) -> dict[Shard, ClaimRow]:
    """Read every claim row, by shard."""
    cursor.execute(SELECT_ALL)
    return {row[0]: _row(row) for row in cursor.fetchall()}


def claimed_by_campaign(cursor: Cursor) -> Counter[CampaignId]:
    """Count, by campaign, the messages that are at a provider or about to be, of one server."""
    counts: Counter[CampaignId] = Counter()
    cursor.execute(SELECT_CLAIMED)
    for (claimed,) in cursor.fetchall():
        counts.update(count_claimed(claimed))
    return counts


def read_claimed_lists(cursor: Cursor, shards: Collection[int]) -> dict[int, bytes]:
    """Read the packed claims of shards that have any, without a lock."""
    if not shards:
        return {}
    cursor.execute(SELECT_CLAIMED_LISTS, (tuple(shards),))
    return dict(cursor.fetchall())


def lock_claim(cursor: Cursor, shard: Shard) -> ClaimRow | None:
    """Read and lock one claim row; waits for a transaction that is changing it."""
    cursor.execute(SELECT_FOR_UPDATE, (shard,))
    row = cursor.fetchone()
    return None if row is None else _row(row)


def move_claim(cursor: Cursor, move: ClaimMove) -> bool:
    """Write an owner's next claim; False means that the shard has another owner now."""
    return bool(
        cursor.execute(
            MOVE,
            (
                move.claimed,
                move.recorded_offset,
                move.shard,
                move.epoch,
                move.owner_token,
                move.transaction_number,
            ),
        )
    )


def take_claim(
    cursor: Cursor,
    shard: Shard,
    *,
    owner_token: bytes,
    owner_name: str,
    place: Place,
    recorded_offset: int,
) -> None:
    """Make `owner_token` the owner of a claim row that the caller has locked and settled."""
    cursor.execute(TAKE, (owner_token, owner_name, *place, recorded_offset, shard))


def _row(columns: tuple[Any, ...]) -> ClaimRow:
    shard, epoch, token, number, claimed, topic_id, partition, version, offset = columns
    place = Place(topic_id, partition, version)
    return ClaimRow(shard, epoch, token, number, claimed, place, offset)
