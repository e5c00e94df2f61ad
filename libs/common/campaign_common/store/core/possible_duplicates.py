"""possible_duplicates: sends repeated after a doubt, at providers that are not idempotent.

A row is written with the ledger rows that it counts.
"""

from collections.abc import Mapping

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors

RepeatedKey = tuple[int, int, str]
"""Campaign, shard and provider."""

ADD = """
INSERT INTO possible_duplicates (campaign_id, shard, provider, n) VALUES (%s, %s, %s, %s)
ON DUPLICATE KEY UPDATE n = n + VALUES(n)
"""

SELECT = (
    "SELECT CAST(COALESCE(SUM(n), 0) AS SIGNED) FROM possible_duplicates WHERE campaign_id = %s"
)


def add_possible_duplicates(cursor: Cursor, repeated: Mapping[RepeatedKey, int]) -> None:
    """Add repeated sends to those of their campaigns."""
    if repeated:
        cursor.executemany(ADD, [(*key, n) for key, n in sorted(repeated.items())])


def count_possible_duplicates(cursors: Cursors, campaign_id: int) -> int:
    """Sum the repeated sends of a campaign over its shards."""
    total = 0
    for cursor in cursors.all:
        cursor.execute(SELECT, (campaign_id,))
        ((n,),) = cursor.fetchall()
        total += int(n)
    return total
