"""Values of the metrics about the whole system."""

from collections.abc import Mapping
from typing import NamedTuple

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignEpoch, CampaignId, CampaignState
from campaign_common.domain.message import FINAL, Status
from campaign_common.store.core.campaigns import active_ids
from campaign_common.store.core.counters import counts_by_status
from campaign_common.store.messages.possibly_sent import count_possibly_sent

COUNT_STATES = "SELECT state, COUNT(*) FROM campaigns GROUP BY state"

SELECT_POSITIONS = """
SELECT id, epoch, published_count FROM campaigns WHERE state = 'running' AND lease_owner = %s
"""


class Totals(NamedTuple):
    """The totals, the same for every scheduler."""

    campaigns: dict[CampaignState, int]
    waiting: int
    """Messages of running and paused campaigns that wait for a retry."""
    possibly_sent: int
    """Calls in doubt, of the same campaigns."""


class Position(NamedTuple):
    """The position of a running campaign; anything that happens to it changes this."""

    campaign_id: CampaignId
    epoch: CampaignEpoch
    published: int
    ended: int


def read_totals(cursors: Cursors) -> Totals:
    """Count campaigns by state, and what of them is not settled."""
    cursors.main.execute(COUNT_STATES)
    campaigns = dict.fromkeys(CampaignState, 0)
    campaigns.update((CampaignState(state), n) for state, n in cursors.main.fetchall())
    active = active_ids(cursors.main)
    counted = counts_by_status(cursors, active)
    waiting = sum(counts.get(Status.WAITING, 0) for counts in counted.values())
    return Totals(campaigns, waiting, count_possibly_sent(cursors, active))


def read_positions(cursors: Cursors, owner: str) -> list[Position]:
    """Read how far each running campaign leased by `owner` has come."""
    cursors.main.execute(SELECT_POSITIONS, (owner,))
    running = cursors.main.fetchall()
    counted = counts_by_status(cursors, [campaign_id for campaign_id, _, _ in running])
    return [
        Position(campaign_id, epoch, published, _ended(counted[campaign_id]))
        for campaign_id, epoch, published in running
    ]


def _ended(counts: Mapping[Status, int]) -> int:
    return sum(n for status, n in counts.items() if status in FINAL)
