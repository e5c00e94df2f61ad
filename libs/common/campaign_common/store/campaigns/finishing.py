"""Ending campaigns: which may be over, what their counters say, and the change of state."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignEpoch, CampaignId


class FannedOutCampaign(NamedTuple):
    """A running campaign whose every recipient has been published, under one epoch."""

    campaign_id: CampaignId
    epoch: CampaignEpoch
    name: str
    shards: int
    total: int
    traceparent: str | None = None


SELECT_FANNED_OUT = """
SELECT id, epoch, name, shards, total, traceparent FROM campaigns
WHERE state = 'running' AND lease_owner = %s AND published_count = total
"""

SELECT_REQUESTED = """
SELECT DISTINCT campaign_id FROM shard_commands WHERE campaign_id IN %s
"""

FINISH = """
UPDATE campaigns SET state = 'finished', finished_at = NOW(6)
WHERE id = %s AND epoch = %s AND state = 'running' AND published_count = total
"""


def fanned_out(cursor: Cursor, owner: str) -> list[FannedOutCampaign]:
    """List the campaigns leased by `owner` that wait for nothing but their outcomes."""
    cursor.execute(SELECT_FANNED_OUT, (owner,))
    return [FannedOutCampaign(*row) for row in cursor.fetchall()]


def with_open_requests(cursors: Cursors, campaign_ids: Sequence[CampaignId]) -> set[CampaignId]:
    """Return the campaigns that have a pending shard command."""
    requested: set[CampaignId] = set()
    if campaign_ids:
        for cursor in cursors.all:
            cursor.execute(SELECT_REQUESTED, (campaign_ids,))
            requested.update(campaign_id for (campaign_id,) in cursor.fetchall())
    return requested


def finish(cursor: Cursor, campaign: FannedOutCampaign) -> bool:
    """End a campaign, provided its epoch is the one under which its outcomes were summed."""
    return cursor.execute(FINISH, (campaign.campaign_id, campaign.epoch)) == 1
