"""GET /v1/stats: numbers for dashboards."""

from flask import Response, jsonify

from campaign_api.messages.statistics import Statistics
from campaign_api.schemas.stats import Stats
from campaign_api.web.caller import may_see_reasons
from campaign_api.web.routing.resource import Resource


def resource(statistics: Statistics) -> Resource:
    """Build the routes."""
    routes = Resource(
        "stats", __name__, url_prefix="/v1/stats", description="Statistics for dashboards."
    )

    @routes.get("")
    @routes.response(200, Stats)
    def read() -> Response:
        """Return counts of campaigns and messages, active campaigns and senders.

        Why a sender can not send, which may name a secret and its file, is said to keys with the
        scope admin.
        """
        return jsonify(statistics.read(shows_reasons=may_see_reasons()))

    return routes
