"""S3, campaigns: search by state, name and planned days, newest first."""

from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.campaigns.campaign_reader import page_of_campaigns
from campaign_api.dashboard.local_time import zone_names
from campaign_api.dashboard.pages import DashboardPages, read_fields, url
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.render.words import word
from campaign_api.dashboard.screens.campaigns.days import Days
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import RequestInvalid
from campaign_api.schemas.campaigns.campaign import CampaignPageParameters, cursor_key
from campaign_api.web.http.paging import encode
from campaign_common.domain.campaign import CampaignState
from campaign_common.store.campaigns.listing import CampaignFilter

LIMIT = 50
"""Campaigns of one page."""
FILTERS = CampaignPageParameters(exclude=("since", "before"))
"""People filter by days of a time zone, programs by moments."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page."""

    def show(parameters: dict[str, Any], problem: PageProblem | None = None) -> Response:
        days = Days.of_fields({} if problem else request.args)
        since, before = days.bounds()
        wanted = CampaignFilter(parameters.get("state"), parameters.get("name"), since, before)
        below = parameters.get("cursor")
        found = page_of_campaigns(shown.databases, wanted, below, LIMIT)
        filters = {"state": wanted.state, "name": wanted.name, **days.query()}
        next_ = found.next_position and encode(cursor_key(found.next_position))
        return pages.render(
            "campaigns/campaigns.html",
            problem=problem,
            campaigns=found.described,
            wanted={"state": wanted.state or "", "name": wanted.name or "", **days.fields()},
            is_filtered=any(filters.values()),
            zones=[(name, name) for name in zone_names()],
            states=[("", gettext("any")), *((state.value, word(state)) for state in CampaignState)],
            first=url("campaigns", **filters) if below else None,
            next=url("campaigns", **filters, cursor=next_) if next_ else None,
        )

    @pages.page("/campaigns", entry="Campaigns", rank=20)
    def campaigns() -> Response:
        try:
            return show(read_fields(FILTERS, MultiDict(request.args)))
        except RequestInvalid as error:
            return show({}, page_problem(error))
