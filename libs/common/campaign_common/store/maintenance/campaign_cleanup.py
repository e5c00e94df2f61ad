"""Everything that a campaign has beside its own row: deleting it, a slice at a time.

No statement touches more than a slice: what it deletes is found by an index, and bounded by
sequence numbers or ids.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId

LARGEST_SEQ = 2**32 - 1

PER_SHARD = ("message_retries_{:d}", "receipts_{:d}", "messages_{:d}")
OPEN_RECEIPTS = "open_receipts"
BOUNCED_RECEIPTS = "bounced_receipts"
SHARED = ("possibly_sent", "late_results")
"""Tables that are found by campaign_id and seq, as are OPEN_RECEIPTS and BOUNCED_RECEIPTS."""


class Slice(NamedTuple):
    """The number of deleted rows, and the seq reached; None after the last of a table."""

    rows: int
    reached: int | None


SELECT_BOUND = """
SELECT seq FROM {table} WHERE campaign_id = %s AND seq > %s ORDER BY seq LIMIT 1 OFFSET %s
"""

DELETE_RANGE = "DELETE FROM {table} WHERE campaign_id = %s AND seq > %s AND seq <= %s"

DELETE_EVENTS = "DELETE FROM campaign_events WHERE campaign_id = %s ORDER BY id LIMIT %s"

DELETE_SAMPLES = """
DELETE FROM campaign_samples WHERE campaign_id = %s ORDER BY sampled_at LIMIT %s
"""

DELETE_KEPT_SAMPLES = """
DELETE FROM kept_samples WHERE campaign_id = %s ORDER BY sampled_at LIMIT %s
"""

DELETE_REQUESTS = "DELETE FROM shard_commands WHERE campaign_id = %s ORDER BY id LIMIT %s"

SELECT_COSTED = """
(SELECT DISTINCT campaign_id FROM campaign_costs WHERE campaign_id > %s
 ORDER BY campaign_id LIMIT %s)
UNION
(SELECT DISTINCT campaign_id FROM possible_duplicates WHERE campaign_id > %s
 ORDER BY campaign_id LIMIT %s)
UNION
(SELECT campaign_id FROM campaign_budgets WHERE campaign_id > %s
 ORDER BY campaign_id LIMIT %s)
UNION
(SELECT DISTINCT campaign_id FROM receipt_counters WHERE campaign_id > %s
 ORDER BY campaign_id LIMIT %s)
UNION
(SELECT DISTINCT campaign_id FROM kept_samples WHERE campaign_id > %s
 ORDER BY campaign_id LIMIT %s)
ORDER BY campaign_id LIMIT %s
"""

DELETE_COSTS = "DELETE FROM campaign_costs WHERE campaign_id = %s"

DELETE_POSSIBLE_DUPLICATES = "DELETE FROM possible_duplicates WHERE campaign_id = %s"

DELETE_RECEIPT_COUNTERS = "DELETE FROM receipt_counters WHERE campaign_id = %s"

SELECT_SHARDS_OF_RECEIPTS = """
SELECT DISTINCT shard FROM receipt_counters WHERE campaign_id = %s ORDER BY shard
"""

DELETE_BUDGET = "DELETE FROM campaign_budgets WHERE campaign_id = %s"

DELETE_LOOK = "DELETE FROM receipt_looks WHERE campaign_id = %s"

# At most one row for each shard and status.
DELETE_COUNTERS = "DELETE FROM campaign_counters WHERE campaign_id = %s"

SELECT_END_OF_PAGE = """
SELECT MAX(id) FROM (SELECT id FROM {table} WHERE id > %s ORDER BY id LIMIT %s) page
"""

SELECT_OLD = """
SELECT id, campaign_id FROM {table}
WHERE id > %s AND id <= %s AND {created_at} < NOW(6) - INTERVAL %s SECOND
"""

DELETE_STRAYS = "DELETE FROM {table} WHERE id IN %s"

STRAYS = {"campaign_events": "at", "late_results": "created_at"}
"""Tables that may hold rows of campaigns that do not exist, and the column of their time: events
of deleted drafts, and facts about campaigns that are gone."""


def tables_by_seq(shards: Sequence[int]) -> list[str]:
    """Name the tables with a campaign's rows by seq; what refers to another one goes before it."""
    of_shards = (table.format(n) for table in PER_SHARD for n in shards)
    return [BOUNCED_RECEIPTS, OPEN_RECEIPTS, *of_shards, *SHARED]


def delete_by_seq(
    cursor: Cursor, table: str, campaign_id: CampaignId, *, after_seq: int, limit: int
) -> Slice:
    """Delete up to `limit` of a campaign's rows that follow a seq."""
    cursor.execute(SELECT_BOUND.format(table=table), (campaign_id, after_seq, limit - 1))
    row = cursor.fetchone()
    reached = None if row is None else int(row[0])
    last = LARGEST_SEQ if reached is None else reached
    deleted = cursor.execute(DELETE_RANGE.format(table=table), (campaign_id, after_seq, last))
    return Slice(deleted, reached)


def delete_events(cursor: Cursor, campaign_id: CampaignId, limit: int) -> int:
    """Delete up to `limit` events of a campaign; returns how many went."""
    return cursor.execute(DELETE_EVENTS, (campaign_id, limit))


def delete_samples(cursor: Cursor, campaign_id: CampaignId, limit: int) -> int:
    """Delete up to `limit` samples of a campaign's rate; returns how many went."""
    return cursor.execute(DELETE_SAMPLES, (campaign_id, limit))


def delete_kept_samples(cursor: Cursor, campaign_id: CampaignId, limit: int) -> int:
    """Delete up to `limit` kept samples of a campaign; returns how many went."""
    return cursor.execute(DELETE_KEPT_SAMPLES, (campaign_id, limit))


def delete_requests(cursor: Cursor, campaign_id: CampaignId, limit: int) -> int:
    """Delete up to `limit` shard commands of campaigns that are gone; return how many."""
    return cursor.execute(DELETE_REQUESTS, (campaign_id, limit))


def delete_counters(cursor: Cursor, campaign_id: CampaignId) -> int:
    """Delete all that is counted of a campaign; returns how many rows went.

    The tables come in the order in which senders write them, so that neither waits for the other.
    """
    deleted = cursor.execute(DELETE_COUNTERS, (campaign_id,))
    return deleted + delete_costs(cursor, campaign_id)


def delete_costs(cursor: Cursor, campaign_id: CampaignId) -> int:
    """Delete costs, budget, possible duplicates and the next look; return how many rows went."""
    statements = (DELETE_COSTS, DELETE_POSSIBLE_DUPLICATES, DELETE_BUDGET, DELETE_LOOK)
    return sum(cursor.execute(statement, (campaign_id,)) for statement in statements)


def delete_receipt_counters(cursor: Cursor, campaign_id: CampaignId) -> int:
    """Delete the counters of a campaign's receipts; return how many rows went.

    They go before the receipts: one that comes between is still counted, and found by that.
    """
    return cursor.execute(DELETE_RECEIPT_COUNTERS, (campaign_id,))


def campaigns_with_costs(cursor: Cursor, after_id: CampaignId, limit: int) -> list[CampaignId]:
    """List campaigns with costs, a budget, possible duplicates, receipts or kept samples, by id.

    They may be gone.
    """
    cursor.execute(SELECT_COSTED, (*[after_id, limit] * 5, limit))
    return [campaign_id for (campaign_id,) in cursor.fetchall()]


def tables_of_receipts(cursor: Cursor, campaign_id: CampaignId) -> list[str]:
    """Name the tables with receipts of a campaign, by its counters.

    A receipt that came while its campaign was purged is written after the others were deleted.
    """
    cursor.execute(SELECT_SHARDS_OF_RECEIPTS, (campaign_id,))
    of_shards = (f"receipts_{shard:d}" for (shard,) in cursor.fetchall())
    return [BOUNCED_RECEIPTS, OPEN_RECEIPTS, *of_shards]


def end_of_page(cursor: Cursor, table: str, *, after_id: int, limit: int) -> int | None:
    """Return the last id of the next `limit` rows of one of STRAYS; None at the end."""
    cursor.execute(SELECT_END_OF_PAGE.format(table=table), (after_id, limit))
    ((last,),) = cursor.fetchall()
    return None if last is None else int(last)


def old_rows(cursor: Cursor, table: str, ids: range, seconds: int) -> dict[int, CampaignId]:
    """Read which rows of a range of ids are so old, and of which campaigns they are."""
    statement = SELECT_OLD.format(table=table, created_at=STRAYS[table])
    cursor.execute(statement, (ids.start - 1, ids.stop - 1, seconds))
    return dict(cursor.fetchall())


def delete_strays(cursor: Cursor, table: str, strays: Sequence[int]) -> int:
    """Delete rows whose campaigns do not exist; returns how many went."""
    return cursor.execute(DELETE_STRAYS.format(table=table), (strays,)) if strays else 0
