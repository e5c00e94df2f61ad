"""campaign_costs: what the accepted messages of a campaign have cost, by shard and currency.

A row is written with the ledger rows that it counts. The price is the one that the sender of each
message had: a change of the configuration changes no past.
"""

from collections.abc import Mapping

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.content.price import Charge

CostKey = tuple[int, int, str]
"""Campaign, shard and currency."""

ADD_COSTS = """
INSERT INTO campaign_costs (campaign_id, shard, currency, segments, amount)
VALUES (%s, %s, %s, %s, %s)
ON DUPLICATE KEY UPDATE segments = segments + VALUES(segments), amount = amount + VALUES(amount)
"""

SELECT_COSTS = """
SELECT currency, CAST(SUM(segments) AS SIGNED), SUM(amount) FROM campaign_costs
WHERE campaign_id = %s GROUP BY currency
"""


def add_costs(cursor: Cursor, costs: Mapping[CostKey, Charge]) -> None:
    """Add costs to those of their campaigns."""
    rows = [
        (*key, cost.segments, cost.amount) for key, cost in sorted(costs.items()) if cost.segments
    ]
    if rows:
        cursor.executemany(ADD_COSTS, rows)


def read_costs(cursors: Cursors, campaign_id: int) -> list[Charge]:
    """Sum what a campaign has cost over its shards, by currency."""
    summed: dict[str, Charge] = {}
    for cursor in cursors.all:
        cursor.execute(SELECT_COSTS, (campaign_id,))
        for currency, segments, amount in cursor.fetchall():
            cost = Charge(currency, int(segments), amount)
            summed[currency] = summed[currency].plus(cost) if currency in summed else cost
    return [cost for _, cost in sorted(summed.items())]
