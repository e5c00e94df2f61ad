"""Numbers for whoever watches the system as a whole: how far, how much, for how long."""

from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.campaign import CampaignState
from campaign_common.message import Status

COUNT_STATES = "SELECT state, COUNT(*) FROM campaigns GROUP BY state"

COUNT_WAITING = """
SELECT CAST(COALESCE(SUM(n.n), 0) AS SIGNED) FROM campaigns c
JOIN campaign_counters n ON n.campaign_id = c.id
WHERE c.state IN ('running', 'paused') AND n.status = %s
"""

COUNT_SUSPECTS = """
SELECT COUNT(*) FROM campaigns c JOIN suspects s ON s.campaign_id = c.id
WHERE c.state IN ('running', 'paused')
"""

SELECT_POSITIONS = """
SELECT c.id, c.epoch, c.fanned_count,
       CAST(COALESCE(SUM(CASE WHEN n.status <> %s THEN n.n ELSE 0 END), 0) AS SIGNED)
FROM campaigns c LEFT JOIN campaign_counters n ON n.campaign_id = c.id
WHERE c.state = 'running' AND c.lease_owner = %s
GROUP BY c.id, c.epoch, c.fanned_count
"""


class Totals(NamedTuple):
    """What all schedulers see alike."""

    campaigns: dict[CampaignState, int]
    waiting: int
    """Messages of running and paused campaigns that wait for a retry."""
    suspects: int
    """Calls in doubt, of the same campaigns."""


class Position(NamedTuple):
    """How far a running campaign has come; anything that happens to it changes this."""

    campaign_id: int
    epoch: int
    published: int
    ended: int


def read_totals(cursor: Cursor) -> Totals:
    """Count campaigns by state, and what of them is not settled."""
    cursor.execute(COUNT_STATES)
    campaigns = dict.fromkeys(CampaignState, 0)
    campaigns.update((CampaignState(state), n) for state, n in cursor.fetchall())
    cursor.execute(COUNT_WAITING, (Status.WAITING,))
    ((waiting,),) = cursor.fetchall()
    cursor.execute(COUNT_SUSPECTS)
    ((suspects,),) = cursor.fetchall()
    return Totals(campaigns, int(waiting), int(suspects))


def read_positions(cursor: Cursor, owner: str) -> list[Position]:
    """Read how far each running campaign leased by `owner` has come."""
    cursor.execute(SELECT_POSITIONS, (Status.WAITING, owner))
    return [Position(*row) for row in cursor.fetchall()]
