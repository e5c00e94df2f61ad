"""S2, overview: what runs, what is due, what went wrong; senders and providers."""

from datetime import datetime

from flask import Response

from campaign_api.campaigns.campaign_reader import page_of_campaigns
from campaign_api.dashboard.pages import DashboardPages
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.shown import Shown
from campaign_api.web.caller import may_see_reasons
from campaign_common.domain.campaign import CampaignState
from campaign_common.store.campaigns.listing import CampaignFilter

OF_EACH_STATE = 10
"""Campaigns that are shown of each state, the newest."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page."""

    def newest(*states: CampaignState) -> list[object]:
        return [
            described
            for state in states
            for described in page_of_campaigns(
                shown.databases, CampaignFilter(state), None, OF_EACH_STATE
            ).described
        ]

    @pages.page("/", entry="Overview", rank=10)
    def overview() -> Response:
        shows_reasons = may_see_reasons()
        groups = [
            (gettext("Running or paused"), newest(CampaignState.RUNNING, CampaignState.PAUSED)),
            (gettext("Due"), newest(CampaignState.SCHEDULED)),
            (gettext("Went wrong"), newest(CampaignState.FAILED)),
        ]
        return pages.render(
            "overview.html",
            groups=groups,
            senders=[
                {**sender, "seen_at": datetime.fromisoformat(sender["seen_at"])}
                for sender in shown.statistics.read(shows_reasons=shows_reasons)["senders"]
            ],
            providers=shown.providers.read_all(shows_reasons=shows_reasons),
        )
