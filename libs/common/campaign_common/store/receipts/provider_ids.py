"""provider_ids: messages by the hash of their provider's id, on the server of their shard.

Only for providers whose callbacks carry no reference. The rows of a day lie together, so that those
of an old day go from the edge of the table, in slices. Services may not drop partitions: their
users have no right to change tables.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from math import ceil
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.shard import Shard

DAY = 86_400.0


class IdentifiedMessage(NamedTuple):
    """A message that a provider knows by an id of its own."""

    id_hash: bytes
    shard: Shard
    campaign_id: CampaignId
    seq: int
    generation: int


# A transaction that is repeated writes the same rows; the same id of two messages finds none.
INSERT = """
INSERT IGNORE INTO provider_ids (day, id_hash, campaign_id, seq, shard, generation)
VALUES (CURRENT_DATE, %s, %s, %s, %s, %s)
"""

SELECT = """
SELECT id_hash, shard, campaign_id, seq, MAX(generation)
FROM provider_ids FORCE INDEX (PRIMARY)
WHERE day IN ({days}) AND id_hash IN %s GROUP BY id_hash, shard, campaign_id, seq
"""

A_DAY = "CURRENT_DATE - INTERVAL {before:d} DAY"

DELETE_OLD = """
DELETE FROM provider_ids WHERE day < CURRENT_DATE - INTERVAL %s DAY ORDER BY day, id_hash LIMIT %s
"""

MOST_LISTED = 500
"""Hashes of one statement."""


def days_kept(seconds: float) -> int:
    """Return for how many days before today the rows are there."""
    return ceil(seconds / DAY)


def insert_provider_ids(cursor: Cursor, messages: Iterable[IdentifiedMessage]) -> None:
    """Note the ids of messages, in the transaction that records them as sent."""
    rows = [
        (id_hash, campaign_id, seq, shard, generation)
        for id_hash, shard, campaign_id, seq, generation in sorted(messages)
    ]
    if rows:
        cursor.executemany(INSERT, rows)


def find_messages(
    cursor: Cursor, hashes: Collection[bytes], days: int
) -> dict[bytes, list[IdentifiedMessage]]:
    """Return the messages of one server with these ids, as far back as `days` before today."""
    found: dict[bytes, list[IdentifiedMessage]] = defaultdict(list)
    statement = SELECT.format(days=", ".join(A_DAY.format(before=n) for n in range(days + 1)))
    listed = sorted(hashes)
    for start in range(0, len(listed), MOST_LISTED):
        cursor.execute(statement, (tuple(listed[start : start + MOST_LISTED]),))
        for id_hash, *message in cursor.fetchall():
            found[bytes(id_hash)].append(IdentifiedMessage(bytes(id_hash), *message))
    return found


def delete_old_ids(cursor: Cursor, days: int, limit: int) -> int:
    """Delete some of the rows of earlier days on one server; return how many went."""
    return cursor.execute(DELETE_OLD, (days, limit))
