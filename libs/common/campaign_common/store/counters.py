"""campaign_counters: reading how many messages of a campaign have which status.

Whoever shows a campaign together with something else of it asks afterwards whether it is still
there, or in the same statement: a purge deletes its row first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from campaign_common.message import Status
from campaign_common.store import Cursors


class Counted(NamedTuple):
    """The messages of a campaign by status, and its calls that were ever in doubt."""

    by_status: dict[Status, int]
    suspects: int


SELECT_COUNTS = """
SELECT status, CAST(SUM(n) AS SIGNED) AS n FROM campaign_counters
WHERE campaign_id = %s GROUP BY status
"""

# One statement, since this is what people ask most often, and while everything sends each round
# trip waits for its turn.
SELECT_COUNTED = f"""
SELECT 'counted', status, n FROM ({SELECT_COUNTS}) counted
UNION ALL SELECT 'suspects', NULL, COUNT(*) FROM suspects WHERE campaign_id = %s
"""

SELECT_COUNTED_OF_PRESENT = f"""
{SELECT_COUNTED}
UNION ALL SELECT 'campaigns', NULL, COUNT(*) FROM campaigns WHERE id = %s
"""

SELECT_COUNTS_OF = """
SELECT campaign_id, status, CAST(SUM(n) AS SIGNED) FROM campaign_counters
WHERE campaign_id IN %s GROUP BY campaign_id, status
"""


def counts(cursors: Cursors, campaign_id: int) -> dict[Status, int]:
    """Sum the counters of a campaign over its shards; a status nobody has is left out."""
    summed: dict[Status, int] = {}
    for cursor in cursors.all:
        cursor.execute(SELECT_COUNTS, (campaign_id,))
        _add(summed, cursor.fetchall())
    return summed


def read_counted(cursors: Cursors, campaign_id: int) -> Counted | None:
    """Read the counters of a campaign, and count its calls in doubt; None when it is gone."""
    main, *others = cursors.all
    for cursor in others:
        cursor.execute(SELECT_COUNTED, (campaign_id,) * 2)
    # The main server comes last: the campaign is there, so nothing of it was missing before.
    main.execute(SELECT_COUNTED_OF_PRESENT, (campaign_id,) * 3)
    by_status: dict[Status, int] = {}
    found = Counter[str]()
    for cursor in cursors.all:
        for table, status, n in cursor.fetchall():
            if status is None:
                found[table] += n
            else:
                _add(by_status, [(status, n)])
    return Counted(by_status, found["suspects"]) if found["campaigns"] else None


def counts_by_status(cursors: Cursors, campaign_ids: Sequence[int]) -> dict[int, dict[Status, int]]:
    """Sum the counters of each of these campaigns over its shards."""
    counts: dict[int, dict[Status, int]] = {campaign_id: {} for campaign_id in campaign_ids}
    if not counts:
        return counts
    for cursor in cursors.all:
        cursor.execute(SELECT_COUNTS_OF, (tuple(campaign_ids),))
        for campaign_id, status, n in cursor.fetchall():
            _add(counts[campaign_id], [(status, n)])
    return counts


def _add(summed: dict[Status, int], rows: Iterable[tuple[int, int]]) -> None:
    for number, n in rows:
        status = Status(number)
        summed[status] = summed.get(status, 0) + int(n)
