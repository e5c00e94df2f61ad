"""Reading one campaign for its progress."""

from typing import Any

from campaign_api.progress import describe
from campaign_api.refusals import CampaignUnknown
from campaign_common.database import Database
from campaign_common.store.campaign_progress import read_progress
from campaign_common.store.counters import counts
from campaign_common.store.suspects import count_suspects


def progress_of(database: Database, campaign_id: int) -> dict[str, Any]:
    """Describe how far a campaign has come.

    Raises:
        CampaignUnknown: there is none of that id.
        RetryLater: the database is unavailable.
    """
    with database.reading() as cursor:
        # The state is read first: counters read after `finished` are complete.
        campaign = read_progress(cursor, campaign_id)
        if campaign is None:
            raise CampaignUnknown(f"there is no campaign {campaign_id}")
        counted = counts(cursor, campaign_id)
        suspects = count_suspects(cursor, campaign_id)
    return describe(campaign, counted, suspects)
