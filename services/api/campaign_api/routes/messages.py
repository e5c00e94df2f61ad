"""GET /v1/messages: everything one person was sent."""

from typing import Any

from flask import Response

from campaign_api.messages.recipient_history import RecipientHistory
from campaign_api.schemas.message import PersonMessagePage, PersonMessageParameters
from campaign_api.web.http.paging import Page, page_response
from campaign_api.web.routing.resource import Resource


def resource(people: RecipientHistory) -> Resource:
    """Build the routes."""
    routes = Resource(
        "messages",
        __name__,
        url_prefix="/v1/messages",
        description="Messages to one person, over all campaigns.",
    )

    @routes.get("")
    @routes.arguments(PersonMessageParameters, location="query")
    @routes.response(200, PersonMessagePage)
    @routes.problems(422)
    def read(parameters: dict[str, Any]) -> Response:
        """List the messages to one person, newest campaign first.

        Campaigns whose list was deleted are not included.
        """
        page = people.messages(parameters["phone"], parameters.get("cursor"), parameters["limit"])
        return page_response("messages", Page(page.items, page.next))

    return routes
