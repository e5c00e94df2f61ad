"""campaign_counters: reading how many messages of a campaign have which status.

Whoever shows a campaign together with something else of it asks afterwards whether it is still
there, or in the same statement: a purge deletes its row first.
"""

from pymysql.cursors import Cursor

from campaign_common.message import Status

SELECT_COUNTS = """
SELECT status, CAST(SUM(n) AS SIGNED) FROM campaign_counters WHERE campaign_id = %s GROUP BY status
"""

SELECT_COUNTS_OF_PRESENT = """
SELECT n.status, CAST(SUM(n.n) AS SIGNED)
FROM campaigns c LEFT JOIN campaign_counters n ON n.campaign_id = c.id
WHERE c.id = %s GROUP BY c.id, n.status
"""


def counts(cursor: Cursor, campaign_id: int) -> dict[Status, int]:
    """Sum the counters of a campaign over its shards; a status nobody has is left out."""
    cursor.execute(SELECT_COUNTS, (campaign_id,))
    return {Status(status): int(n) for status, n in cursor.fetchall()}


def counts_of_present(cursor: Cursor, campaign_id: int) -> dict[Status, int] | None:
    """Read the same in one statement with the campaign's row; None when that is gone."""
    rows = cursor.execute(SELECT_COUNTS_OF_PRESENT, (campaign_id,))
    if not rows:
        return None
    return {Status(status): int(n) for status, n in cursor.fetchall() if status is not None}
