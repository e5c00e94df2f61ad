"""GET /v1/inbound: messages that people have sent."""

from typing import Any

from flask import Response

from campaign_api.messages.inbound_records import InboundRecords
from campaign_api.schemas.people.inbound import InboundPageParameters, InboundPageSchema
from campaign_api.web.http.paging import page_response
from campaign_api.web.routing.resource import Resource


def resource(records: InboundRecords) -> Resource:
    """Build the routes."""
    routes = Resource(
        "inbound",
        __name__,
        url_prefix="/v1/inbound",
        description="Messages that people have sent.",
    )

    @routes.get("")
    @routes.arguments(InboundPageParameters, location="query")
    @routes.response(200, InboundPageSchema)
    @routes.problems(422)
    def page(parameters: dict[str, Any]) -> Response:
        """List inbound messages, the newest first.

        With `unsure`, those with a keyword among other words, which a person has to read. A page
        ends after 50,000 messages, however few of them match: it may be short or empty; continue
        with `next_cursor`.
        """
        found = records.page(parameters["wanted"], parameters["after"], parameters["limit"])
        return page_response("inbound", found)

    return routes
