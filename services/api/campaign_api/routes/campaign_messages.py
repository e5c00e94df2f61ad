"""/v1/campaigns/{id}/messages and /errors: the messages of a campaign, and their error codes."""

from typing import Any

from flask import Response

from campaign_api.messages.campaign_messages import CampaignMessages
from campaign_api.messages.error_counts import ErrorCounts
from campaign_api.messages.message_pages import MessageFilter, PagePosition
from campaign_api.schemas.campaigns.errors import CampaignErrors, ErrorParameters
from campaign_api.schemas.message import (
    CampaignMessagePage,
    CampaignMessageParameters,
    MessageFilterParameters,
)
from campaign_api.web.http.paging import Page, page_response
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.domain.campaign import CampaignId

EXPORT = {
    "description": "The messages, as CSV.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}


def resource(messages: CampaignMessages, counts: ErrorCounts) -> Resource:
    """Build the routes."""
    routes = Resource(
        "campaign messages",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="Messages of a campaign.",
    )

    @routes.get("/messages")
    @routes.arguments(CampaignMessageParameters, location="query")
    @routes.response(200, CampaignMessagePage)
    @routes.problems(404, 422)
    def read(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """List the messages of a campaign, one per recipient.

        A page ends after 50,000 recipients, however few of them match: it may be short or empty;
        continue with `next_cursor`.
        """
        wanted: MessageFilter = parameters["wanted"]
        position: PagePosition = parameters["cursor"]
        if "phone" in parameters:
            page = messages.of_person(campaign_id, wanted, parameters["phone"])
        else:
            page = messages.page(campaign_id, wanted, position, parameters["limit"])
        return page_response("messages", Page(page.items, page.next))

    @routes.get("/messages.csv")
    @routes.limit_concurrency(LimitedWork.EXPORT)
    @routes.arguments(MessageFilterParameters, location="query")
    @routes.doc(responses={"200": EXPORT})
    @routes.problems(404, 422)
    def export(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Return the messages of a campaign as CSV.

        A cell that a spreadsheet would run as a formula (=, +, -, @, tab, line break) begins with
        an apostrophe. When an error interrupts the file, the connection ends without the last
        chunk.
        """
        text = messages.csv(campaign_id, parameters["wanted"])
        response = Response(text, content_type="text/csv; charset=utf-8")
        name = f"campaign-{campaign_id}-messages.csv"
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response

    @routes.get("/errors")
    @routes.arguments(ErrorParameters, location="query")
    @routes.response(200, CampaignErrors)
    @routes.problems(404, 422)
    def errors(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Count the messages of a campaign that were not sent, by status and error code.

        And those that were not delivered, by the code of their receipt. Of a list with more than
        200,000 recipients, a page counts a part that lies evenly over it; continue with
        `next_cursor`, and add up the pages.
        """
        (part,) = parameters.get("cursor", (0,))
        page = counts.page(campaign_id, part)
        more = CampaignErrors().dump(page.described)
        next_key = None if page.next_part is None else (page.next_part,)
        return page_response("errors", Page(more.pop("errors"), next_key), **more)

    return routes
