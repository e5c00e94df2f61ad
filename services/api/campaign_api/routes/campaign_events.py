"""GET /v1/campaigns/{id}/events: the history of a campaign."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from campaign_api.campaigns.campaign_reader import history_of
from campaign_api.campaigns.history import described
from campaign_api.schemas.campaigns.events import CampaignEvent, EventPage, EventPageParameters
from campaign_api.web.http.paging import Page, page_response
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId


def resource(database: Database) -> Resource:
    """Make the route."""
    routes = Resource(
        "campaign events",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="Events of a campaign.",
    )

    @routes.get("/events")
    @routes.arguments(EventPageParameters, location="query")
    @routes.response(200, EventPage)
    @routes.problems(404)
    def events(parameters: Mapping[str, Any], campaign_id: CampaignId) -> Response:
        """List the events of a campaign, oldest first."""
        (after_id,) = parameters.get("cursor", (0,))
        limit = parameters["limit"]
        found = history_of(database, campaign_id, after_id=after_id, limit=limit)
        next_key = (found[-1].id,) if len(found) == limit else None
        return page_response(
            "events", Page(CampaignEvent(many=True).dump(map(described, found)), next_key)
        )

    return routes
