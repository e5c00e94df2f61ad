"""POST /v1/campaigns/{id}/…: actions on a campaign."""

from collections.abc import Mapping
from typing import Any

from campaign_api.campaigns.campaign_reader import read_campaign
from campaign_api.campaigns.changes import CampaignChanges
from campaign_api.campaigns.dry_run import DryRuns
from campaign_api.campaigns.previews.preview import preview
from campaign_api.routes.campaigns import ETAG, LOCATION, BodyAndHeaders, made
from campaign_api.schemas.campaigns.actions import (
    EmptyBody,
    Preview,
    PreviewResponse,
    RetriedCampaign,
    Retry,
    Schedule,
    messages_to_retry,
)
from campaign_api.schemas.campaigns.campaign import Campaign
from campaign_api.schemas.campaigns.dry_run import DryRun
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.database import Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.campaign import CampaignId, Transition
from campaign_common.settings import Settings

Description = dict[str, Any]


def resource(databases: Databases, changes: CampaignChanges, settings: Settings) -> Resource:
    """Build the routes."""
    routes = Resource(
        "campaign actions",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="Actions on a campaign.",
    )
    _add_planning(routes, databases, changes)
    _add_running(routes, databases, changes)
    _add_looking(routes, databases, settings)
    return routes


def _add_planning(routes: Resource, databases: Databases, changes: CampaignChanges) -> None:
    """Add the actions on a campaign before it starts."""

    @routes.post("/schedule")
    @routes.idempotent
    @routes.arguments(Schedule)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 413, 415)
    def schedule(body: Mapping[str, Any], campaign_id: CampaignId) -> Description:
        """Set the start time of a campaign."""
        changes.schedule(campaign_id, body["scheduled_at"], body.get("time_zone"))
        return read_campaign(databases, campaign_id)

    @routes.post("/start")
    @routes.idempotent
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 413, 415)
    def start(_: object, campaign_id: CampaignId) -> Description:
        """Start a campaign now: it is scheduled, and runs within seconds."""
        changes.start(campaign_id)
        return read_campaign(databases, campaign_id)

    @routes.post("/clone")
    @routes.idempotent
    @routes.arguments(EmptyBody, required=False)
    @routes.response(201, Campaign, headers=ETAG | LOCATION)
    @routes.problems(400, 404, 413, 415)
    def clone(_: object, campaign_id: CampaignId) -> BodyAndHeaders:
        """Create a draft with the content of a campaign in any state."""
        return made(databases, changes.clone(campaign_id))


def _add_running(routes: Resource, databases: Databases, changes: CampaignChanges) -> None:
    """Add the actions on a campaign that has started."""

    @routes.post("/pause")
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 409, 413, 415)
    def pause(_: object, campaign_id: CampaignId) -> Description:
        """Pause a running campaign: no send starts later than 2 s after the response."""
        changes.change_state(campaign_id, Transition.PAUSE)
        return read_campaign(databases, campaign_id)

    @routes.post("/resume")
    @routes.idempotent
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 413, 415)
    def resume(_: object, campaign_id: CampaignId) -> Description:
        """Resume a paused campaign: exactly the messages without an outcome are sent."""
        changes.change_state(campaign_id, Transition.RESUME)
        return read_campaign(databases, campaign_id)

    @routes.post("/cancel")
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 409, 413, 415)
    def cancel(_: object, campaign_id: CampaignId) -> Description:
        """Cancel a campaign: messages without an outcome are not sent any more."""
        changes.change_state(campaign_id, Transition.CANCEL)
        return read_campaign(databases, campaign_id)

    @routes.post("/retry")
    @routes.idempotent
    @routes.arguments(Retry)
    @routes.response(200, RetriedCampaign)
    @routes.problems(400, 404, 413, 415)
    def retry(body: Mapping[str, Any], campaign_id: CampaignId) -> Description:
        """Send messages of a status, or undelivered ones, again; a finished campaign runs again."""
        matched = changes.retry(campaign_id, messages_to_retry(body))
        return {**read_campaign(databases, campaign_id), "matched": matched}


def _add_looking(routes: Resource, databases: Databases, settings: Settings) -> None:
    """Add the actions that show messages without sending them."""
    dry_runs = DryRuns(databases, settings)

    @routes.post("/preview")
    @routes.requires(Scope.READ)
    @routes.arguments(Preview, required=False)
    @routes.response(200, PreviewResponse)
    @routes.problems(400, 404, 409, 413, 415)
    def show(body: Mapping[str, Any], campaign_id: CampaignId) -> Description:
        """Render the messages of the first recipients."""
        return {"messages": preview(databases.main, campaign_id, body["limit"])}

    @routes.post("/dry-run")
    @routes.limit_concurrency(LimitedWork.DRY_RUN)
    @routes.requires(Scope.READ)
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, DryRun)
    @routes.problems(400, 404, 409, 413, 415, 422)
    def play_through(_: object, campaign_id: CampaignId) -> Description:
        """Render all messages; return their lengths, SMS segments and missing values."""
        return dry_runs.run(campaign_id)
