"""campaigns that stand still: finding them, and having them published again (protocol rule 15)."""

from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignEpoch, CampaignId, CampaignState
from campaign_common.domain.events.event_kind import EventKind
from campaign_common.store.campaigns.fanout import counted_outcomes
from campaign_common.store.core.events import append_event, record_campaign_event


class Outstanding(NamedTuple):
    """A running campaign, how much of it is published, and how much of that is recorded.

    `provider`: its provider, or its route.
    """

    campaign_id: CampaignId
    epoch: CampaignEpoch
    published: int
    recorded: int
    provider: str
    traceparent: str | None = None


SELECT_PUBLISHED = """
SELECT id, epoch, published_count, provider, traceparent FROM campaigns
WHERE state = 'running' AND lease_owner = %s AND published_count > 0
"""

PUBLISH_AGAIN = """
UPDATE campaigns
SET published_seq = 0, published_count = 0, epoch = epoch + 1, lease_epoch = lease_epoch + 1,
    lease_until = NOW(6), republications = republications + 1
WHERE id = %s AND epoch = %s AND state = 'running'
"""


def read_outstanding(cursors: Cursors, owner: str) -> list[Outstanding]:
    """List the campaigns leased by `owner` of which something published is not recorded.

    What is published and neither recorded nor waiting for a retry must be on its way.
    """
    cursors.main.execute(SELECT_PUBLISHED, (owner,))
    published = cursors.main.fetchall()
    recorded = counted_outcomes(cursors, [campaign_id for campaign_id, *_ in published])
    return [
        Outstanding(campaign_id, epoch, count, recorded[campaign_id], provider, traceparent)
        for campaign_id, epoch, count, provider, traceparent in published
        if count > recorded[campaign_id]
    ]


def publish_again(cursor: Cursor, campaign: Outstanding, actor: str, reason: str) -> bool:
    """Set a campaign back to its first recipient under a new epoch (protocol rule 8).

    What has an outcome is not published again. False: the campaign has moved on meanwhile.
    """
    if not cursor.execute(PUBLISH_AGAIN, (campaign.campaign_id, campaign.epoch)):
        return False
    append_event(
        cursor,
        campaign.campaign_id,
        actor,
        from_state=CampaignState.RUNNING,
        to_state=CampaignState.RUNNING,
        reason=reason,
    )
    states = {"from": CampaignState.RUNNING.value, "to": CampaignState.RUNNING.value}
    record_campaign_event(cursor, EventKind.CAMPAIGN_STALLED, campaign.campaign_id, states)
    return True
