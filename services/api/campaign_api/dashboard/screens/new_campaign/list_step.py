"""S5, the first step to a campaign: a recipient list that is there."""

from typing import Any

from flask import Response, request

from campaign_api.campaigns.campaign_reader import read_campaign
from campaign_api.dashboard.pages import DashboardPages
from campaign_api.dashboard.screens.new_campaign import steps
from campaign_api.dashboard.screens.new_campaign.steps import id_of, steps_of
from campaign_api.dashboard.screens.new_campaign.typed_message import TypedMessage
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import ListUnknown
from campaign_api.lists.recipient_lists import LARGEST_ID, RecipientLists
from campaign_api.web.caller import Scope
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.recipient import ListId
from campaign_common.store.recipients.recipient_lists import ListState

SHOWN_LISTS = 20
"""Lists of one page, the newest first."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page of a new campaign, that of a draft, and the way back to them."""
    lists = RecipientLists(shown.databases.main)

    def ready(before_id: int) -> tuple[list[dict[str, Any]], int | None]:
        page = lists.page(SHOWN_LISTS, before_id)
        found = [each for each in page.items if each["state"] == ListState.READY]
        return found, None if page.next_key is None else int(page.next_key[0])

    def show(
        campaign_id: CampaignId | None,
        chosen: ListId | None,
        typed: TypedMessage | None = None,
    ) -> Response:
        before = id_of(request.values.get("before"))
        found, older = ready(before or LARGEST_ID)
        if chosen is not None and all(each["id"] != chosen for each in found):
            found = [*_one(lists, chosen), *found]
        return pages.render(
            "new_campaign/list.html",
            steps=steps_of(steps.LIST, campaign_id),
            campaign_id=campaign_id,
            lists=found,
            chosen=chosen,
            older=older,
            typed=typed,
        )

    @pages.page("/campaigns/new", scope=Scope.WRITE)
    def new_campaign() -> Response:
        return show(None, chosen_list())

    @pages.page("/campaigns/<int:campaign_id>/list", scope=Scope.WRITE)
    def draft_list(campaign_id: CampaignId) -> Response:
        campaign = read_campaign(shown.databases, campaign_id)
        return show(campaign_id, chosen_list() or campaign["recipient_list_id"])

    @pages.form("/campaigns/new", keyed=False)
    def back_to_lists() -> Response:
        typed = TypedMessage.of_form(request.form)
        return show(typed.campaign_id, typed.list_id, typed)


def chosen_list() -> ListId | None:
    """Return the list that the query of a page names."""
    found = id_of(request.args.get("recipient_list_id"))
    return None if found is None else ListId(found)


def _one(lists: RecipientLists, list_id: ListId) -> list[dict[str, Any]]:
    try:
        found = lists.one(list_id)
    except ListUnknown:
        return []
    return [found] if found["state"] == ListState.READY else []
