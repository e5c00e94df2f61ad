"""GET /v1/campaigns/{id}/events: the history of a campaign; GET /v1/events: all of them."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from campaign_api.audit.event_log import EventLog, kinds_named, kinds_seen
from campaign_api.campaigns.campaign_reader import history_of
from campaign_api.campaigns.history import described
from campaign_api.schemas.campaigns.events import (
    CampaignEvent,
    EventPage,
    EventPageParameters,
    LoggedEvent,
    LoggedEventPage,
    LoggedEventParameters,
    WantedEvents,
)
from campaign_api.web.http.paging import Page, page_response
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.store.audit.pages import EventFilter


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


def event_log(log: EventLog) -> Resource:
    """Make the route of all events."""
    routes = Resource(
        "events",
        __name__,
        url_prefix="/v1/events",
        description="Who has done what, over all campaigns, providers, people, keys and webhooks.",
    )

    @routes.get("")
    @routes.arguments(LoggedEventParameters, location="query")
    @routes.response(200, LoggedEventPage)
    @routes.problems(403, 422)
    def page(wanted: WantedEvents) -> Response:
        """List events, the newest first.

        Those of API keys and webhooks are for keys with the scope admin. Where only some kinds of
        events are wanted, a page may be short or empty before the end: continue with `next_cursor`.
        """
        kinds = kinds_seen(kinds_named(wanted.kind))
        found = log.page(
            EventFilter(kinds, wanted.actor, wanted.since, wanted.before),
            wanted.after,
            wanted.limit,
        )
        return page_response(
            "events", Page(LoggedEvent(many=True).dump(found.items), found.next_key)
        )

    return routes
