"""possible_duplicates: sends repeated after a doubt, at providers that are not idempotent.

A row is written with the ledger rows that it counts.
"""

from collections import Counter
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

SELECT_BY_PROVIDER = (
    "SELECT provider, CAST(SUM(n) AS SIGNED) FROM possible_duplicates GROUP BY provider"
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


def possible_duplicates_by_provider(cursors: Cursors) -> Counter[str]:
    """Sum the repeated sends of all campaigns, by provider."""
    totals: Counter[str] = Counter()
    for cursor in cursors.all:
        cursor.execute(SELECT_BY_PROVIDER)
        totals.update({provider: int(n) for provider, n in cursor.fetchall()})
    return totals
