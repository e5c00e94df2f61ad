"""campaign_counters: the number of messages of a campaign by status.

A reader that combines a campaign with other data of it must check last, or in the same statement,
that the campaign still exists: a purge deletes its row first.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.store.core.campaigns import which_are_present


class Counted(NamedTuple):
    """The messages of a campaign by status, and those that were ever possibly sent."""

    by_status: dict[Status, int]
    possibly_sent: int


class CountedRow(NamedTuple):
    """A row of COUNTED_COLUMNS; a campaign without counters has one without status."""

    status: int | None
    n: int | None
    possibly_sent: int


SELECT_COUNTS = """
SELECT status, CAST(SUM(n) AS SIGNED) AS n FROM campaign_counters
WHERE campaign_id = %s GROUP BY status
"""

# For the statement that reads a campaign `c`, which gives a row for each status then. People ask
# for little else while everything sends, and each round trip waits for its turn on a core.
COUNTED_COLUMNS = """
counted.status, counted.n,
(SELECT COUNT(DISTINCT seq) FROM possibly_sent WHERE campaign_id = c.id)
"""

COUNTED_TABLE = f"LEFT JOIN ({SELECT_COUNTS}) counted ON TRUE"

SELECT_COUNTED = f"SELECT {COUNTED_COLUMNS} FROM (SELECT %s AS id) c {COUNTED_TABLE}"

SELECT_COUNTS_OF = """
SELECT campaign_id, status, CAST(SUM(n) AS SIGNED) FROM campaign_counters
WHERE campaign_id IN %s GROUP BY campaign_id, status
"""


def counts(cursors: Cursors, campaign_id: CampaignId) -> dict[Status, int]:
    """Sum the counters of a campaign over its shards; a status without messages is left out."""
    summed: dict[Status, int] = {}
    for cursor in cursors.all:
        cursor.execute(SELECT_COUNTS, (campaign_id,))
        _add(summed, cursor.fetchall())
    return summed


def add_up(
    cursors: Cursors, campaign_id: CampaignId, on_main: Sequence[CountedRow]
) -> Counted | None:
    """Add what other servers have counted to what was read with the campaign on the main one.

    None: it has gone meanwhile. Read after its state, the counters of a finished one are complete.
    """
    servers = [on_main]
    for cursor in cursors.all[1:]:
        cursor.execute(SELECT_COUNTED, (campaign_id, campaign_id))
        servers.append([CountedRow(*row) for row in cursor.fetchall()])
    if len(servers) > 1 and not which_are_present(cursors.main, [campaign_id]):
        return None
    by_status: dict[Status, int] = {}
    for rows in servers:
        _add(by_status, ((row.status, row.n) for row in rows if row.status is not None))
    return Counted(by_status, sum(rows[0].possibly_sent for rows in servers))


def counts_by_status(
    cursors: Cursors, campaign_ids: Sequence[CampaignId]
) -> dict[CampaignId, dict[Status, int]]:
    """Sum the counters of each campaign over its shards."""
    counts: dict[CampaignId, dict[Status, int]] = {campaign_id: {} for campaign_id in campaign_ids}
    if not counts:
        return counts
    for cursor in cursors.all:
        cursor.execute(SELECT_COUNTS_OF, (tuple(campaign_ids),))
        for campaign_id, status, n in cursor.fetchall():
            _add(counts[campaign_id], [(status, n)])
    return counts


def _add(summed: dict[Status, int], rows: Iterable[tuple[int, int | None]]) -> None:
    for number, n in rows:
        status = Status(number)
        summed[status] = summed.get(status, 0) + int(n or 0)
