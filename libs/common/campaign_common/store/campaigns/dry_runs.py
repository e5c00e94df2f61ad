"""Reads of a dry run: a list in slices, and recent campaigns of the same recipients."""

from collections.abc import Collection
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.recipient import TOMBSTONE, ListId
from campaign_common.store.campaigns.fanout import RecipientRow


class RecentCampaign(NamedTuple):
    """A campaign that has started, the list it goes to and the number of its shards."""

    campaign_id: CampaignId
    list_id: ListId
    shards: int


class Listed(NamedTuple):
    """Somebody of one list who is on another one too: that list, and both numbers."""

    list_id: ListId
    seq: int
    own_seq: int


SELECT_SLICE = """
SELECT seq, phone, name, {attributes} FROM recipients
WHERE list_id = %s AND seq > %s AND erased_shard IS NULL ORDER BY seq LIMIT %s
"""

# Tombstones are the only texts in the index of phone numbers that are no digits.
COUNT_ERASED = """
SELECT COUNT(*) FROM recipients FORCE INDEX (by_phone)
WHERE phone >= %s AND phone < %s AND list_id = %s
"""

SELECT_RECENT = """
SELECT id, list_id, shards FROM campaigns
WHERE started_at >= NOW(6) - INTERVAL %s DAY AND id <> %s AND shards IS NOT NULL
ORDER BY started_at DESC LIMIT %s
"""

# Through the index of phone numbers, whatever the optimiser thinks of the other lists' size.
SELECT_LISTED = """
SELECT STRAIGHT_JOIN other.list_id, other.seq, own.seq
FROM recipients own JOIN recipients other FORCE INDEX (by_phone) ON other.phone = own.phone
WHERE own.list_id = %s AND own.seq BETWEEN %s AND %s AND other.list_id IN %s
"""

# A pause makes a campaign seem slow, and so does a small size; nothing makes one seem quick.
SELECT_RATE = """
SELECT MAX(total / seconds) FROM (
  SELECT total, TIMESTAMPDIFF(MICROSECOND, started_at, finished_at) / 1000000.0 AS seconds
  FROM campaigns
  WHERE state = 'finished' AND provider = %s AND started_at >= NOW(6) - INTERVAL %s DAY
    AND finished_at > started_at
  ORDER BY finished_at DESC LIMIT %s) recent
"""


def read_slice(
    cursor: Cursor, list_id: ListId, *, after_seq: int, limit: int, with_attributes: bool = True
) -> list[RecipientRow]:
    """Read up to `limit` recipients of a list after one, in order; erased ones are left out.

    Without attributes, which are most of a wide list, these are None.
    """
    statement = SELECT_SLICE.format(attributes="attributes" if with_attributes else "NULL")
    cursor.execute(statement, (list_id, after_seq, limit))
    return list(cursor.fetchall())


def count_erased(cursor: Cursor, list_id: ListId) -> int:
    """Count the erased recipients of a list."""
    cursor.execute(COUNT_ERASED, (TOMBSTONE, chr(ord(TOMBSTONE) + 1), list_id))
    ((count,),) = cursor.fetchall()
    return int(count)


def recent_campaigns(cursor: Cursor, *, days: int, but: int, limit: int) -> list[RecentCampaign]:
    """Read up to `limit` campaigns but one that started within so many days, newest first."""
    cursor.execute(SELECT_RECENT, (days, but, limit))
    return [RecentCampaign(*row) for row in cursor.fetchall()]


def also_listed(
    cursor: Cursor, list_id: ListId, first_seq: int, last_seq: int, others: Collection[int]
) -> list[Listed]:
    """Find who of a range of a list is on one of the `others`."""
    if not others:
        return []
    cursor.execute(SELECT_LISTED, (list_id, first_seq, last_seq, tuple(others)))
    return [Listed(*row) for row in cursor.fetchall()]


def best_rate(cursor: Cursor, provider: str, *, days: int, latest: int) -> float | None:
    """Return the rate of the quickest of a provider's `latest` campaigns to finish.

    Messages per second from start to end; None when none has finished within so many days.
    """
    cursor.execute(SELECT_RATE, (provider, days, latest))
    ((rate,),) = cursor.fetchall()
    return None if rate is None else float(rate)
