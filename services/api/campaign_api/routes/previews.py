"""POST /v1/previews: messages of content that is no campaign's yet."""

from collections.abc import Mapping
from typing import Any

from campaign_api.campaigns.previews.draft_preview import preview_draft
from campaign_api.schemas.campaigns.draft_preview import DraftPreview, DraftPreviewResponse
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.settings import Settings


def resource(database: Database, settings: Settings) -> Resource:
    """Build the route."""
    routes = Resource(
        "previews", __name__, url_prefix="/v1/previews", description="Content before a campaign."
    )

    @routes.post("")
    @routes.requires(Scope.READ)
    @routes.arguments(DraftPreview)
    @routes.response(200, DraftPreviewResponse)
    @routes.problems(400, 413, 415, 422)
    def show(wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Render messages of a template for recipients of a list, or for sample values.

        Nothing is stored. A placeholder that names no column is not refused here but named in
        `unknown_columns`, so that a template can be shown while it is written.
        """
        return preview_draft(database, settings, wanted["content"], wanted["source"])

    return routes
