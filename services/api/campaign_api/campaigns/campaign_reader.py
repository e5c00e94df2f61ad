"""Reader of campaigns: one, a page of them, the progress of one, and its history."""

from typing import Any, NamedTuple

from campaign_api.campaigns.progress import describe, measure, summarise
from campaign_common.database import Cursor, Cursors, Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.planning.errors import CampaignUnknown
from campaign_common.store.campaigns.listing import (
    CampaignFilter,
    CampaignPosition,
    read_campaigns,
)
from campaign_common.store.campaigns.progress import (
    CampaignProgress,
    read_movement,
    read_progress,
    read_standing,
)
from campaign_common.store.core.campaigns import which_are_present
from campaign_common.store.core.counters import counts_by_status
from campaign_common.store.core.events import EventRow, read_events

RATE_SPAN = 60
"""Seconds over which the present rate is taken."""


class CampaignRows(NamedTuple):
    """Described campaigns, and the position of the next ones, None at the end."""

    described: list[dict[str, Any]]
    next_position: CampaignPosition | None


def campaign_of(cursors: Cursors, campaign_id: CampaignId) -> dict[str, Any]:
    """Describe a campaign.

    Raises:
        CampaignUnknown: there is none of that id.
    """
    standing = read_standing(cursors, campaign_id)
    if standing is None:
        raise unknown(campaign_id)
    return describe(standing)


def read_campaign(databases: Databases, campaign_id: CampaignId) -> dict[str, Any]:
    """Describe a campaign.

    Raises:
        CampaignUnknown: there is none of that id.
        RetryLater: a database is unavailable.
    """
    with databases.reading() as cursors:
        return campaign_of(cursors, campaign_id)


def progress_of(databases: Databases, campaign_id: CampaignId) -> dict[str, Any]:
    """Describe the movement of a campaign; raise what `read_campaign` raises."""
    with databases.reading() as cursors:
        movement = read_movement(cursors, campaign_id, RATE_SPAN)
    if movement is None:
        raise unknown(campaign_id)
    return {"id": campaign_id, **measure(movement)}


def page_of_campaigns(
    databases: Databases, wanted: CampaignFilter, below: CampaignPosition | None, limit: int
) -> CampaignRows:
    """Describe up to `limit` of the wanted campaigns, the newest first.

    Raises:
        RetryLater: a database is unavailable.
    """
    with databases.reading() as cursors:
        campaigns = read_campaigns(cursors.main, wanted, below, limit)
        counted = counts_by_status(cursors, [campaign.id for campaign in campaigns])
        present = which_are_present(cursors.main, counted)
    described = [
        summarise(campaign, counted[campaign.id])
        for campaign in campaigns
        if campaign.id in present
    ]
    if len(campaigns) < limit:
        return CampaignRows(described, None)
    return CampaignRows(described, CampaignPosition(campaigns[-1].created_at, campaigns[-1].id))


def history_of(
    database: Database, campaign_id: CampaignId, *, after_id: int, limit: int
) -> list[EventRow]:
    """Read up to `limit` events of a campaign after one; raise what `read_campaign` raises."""
    with database.reading() as cursor:
        events = read_events(cursor, campaign_id, after_id=after_id, limit=limit)
        _campaign(cursor, campaign_id)
    return events


def unknown(campaign_id: CampaignId) -> CampaignUnknown:
    """Return the error for a campaign that does not exist."""
    return CampaignUnknown(f"there is no campaign {campaign_id}")


def _campaign(cursor: Cursor, campaign_id: CampaignId) -> CampaignProgress:
    campaign = read_progress(cursor, campaign_id)
    if campaign is None:
        raise unknown(campaign_id)
    return campaign
