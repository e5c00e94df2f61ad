"""campaign_counters: reading how many messages of a campaign have which status."""

from pymysql.cursors import Cursor

from campaign_common.message import Status

SELECT_COUNTS = """
SELECT status, CAST(SUM(n) AS SIGNED) FROM campaign_counters WHERE campaign_id = %s GROUP BY status
"""


def counts(cursor: Cursor, campaign_id: int) -> dict[Status, int]:
    """Sum the counters of a campaign over its shards; a status nobody has is left out."""
    cursor.execute(SELECT_COUNTS, (campaign_id,))
    return {Status(status): int(n) for status, n in cursor.fetchall()}
