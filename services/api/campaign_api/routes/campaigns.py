"""/v1/campaigns: campaigns themselves."""

from typing import Any

from campaign_api.campaign_reader import progress_of
from campaign_api.schemas.progress import Progress
from campaign_api.web.resource import Resource
from campaign_common.database import Database


def resource(database: Database) -> Resource:
    """Make the routes."""
    routes = Resource(
        "campaigns", __name__, url_prefix="/v1/campaigns", description="Campaigns themselves."
    )

    @routes.get("/<int:campaign_id>")
    @routes.response(200, Progress)
    @routes.problems(404)
    def read(campaign_id: int) -> dict[str, Any]:
        """Describe a campaign and how far it has come."""
        return progress_of(database, campaign_id)

    return routes
