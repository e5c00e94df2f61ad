"""POST /v1/campaigns/{id}/…: actions on a campaign."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from campaign_api.campaigns.actions import naming_api_actions
from campaign_api.campaigns.campaign_reader import read_campaign, unknown
from campaign_api.campaigns.dry_run import DryRuns
from campaign_api.campaigns.message_retry import request_retry
from campaign_api.campaigns.preview import preview
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.routes.campaigns import ETAG, LOCATION, RETRY_SECONDS, BodyAndHeaders, made
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
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_api.web.telemetry.audit_log import log_change
from campaign_api.web.telemetry.tracing import present_traceparent
from campaign_common.database import Databases
from campaign_common.domain.api_key import Scope
from campaign_common.domain.campaign import CampaignId, Transition
from campaign_common.planning import scheduling
from campaign_common.planning.campaign_editor import CampaignEditor, new_identity
from campaign_common.settings import Settings
from campaign_common.store.campaigns.transitions import change_state
from campaign_common.store.core.events import last_event_id

Description = dict[str, Any]

WORDS = {
    Transition.PAUSE: "paused",
    Transition.RESUME: "resumed",
    Transition.CANCEL: "cancelled",
}


def resource(databases: Databases, editor: CampaignEditor, settings: Settings) -> Resource:
    """Build the routes."""
    routes = Resource(
        "campaign actions",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="Actions on a campaign.",
    )
    transactions = RetryingTransactions(databases.main, RETRY_SECONDS)
    _add_planning(routes, databases, editor, transactions)
    _add_running(routes, databases, transactions)
    _add_looking(routes, databases, settings)
    return routes


def _add_planning(
    routes: Resource,
    databases: Databases,
    editor: CampaignEditor,
    transactions: RetryingTransactions,
) -> None:
    """Add the actions on a campaign before it starts."""

    def plan(change: Callable[..., bool], campaign_id: CampaignId) -> Description:
        work = partial(
            change,
            campaign_id=campaign_id,
            actor=caller().name,
            traceparent=present_traceparent(),
        )
        with naming_api_actions():
            changed = idempotent_request().run_once(transactions, work)
        if changed:
            log_change("campaign scheduled", campaign_id)
        return read_campaign(databases, campaign_id)

    @routes.post("/schedule")
    @routes.idempotent
    @routes.arguments(Schedule)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 413, 415)
    def schedule(body: Mapping[str, Any], campaign_id: CampaignId) -> Description:
        """Set the start time of a campaign."""
        return plan(partial(scheduling.schedule, moment=body["scheduled_at"]), campaign_id)

    @routes.post("/start")
    @routes.idempotent
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 413, 415)
    def start(_: object, campaign_id: CampaignId) -> Description:
        """Start a campaign now: it is scheduled, and runs within seconds."""
        return plan(scheduling.start, campaign_id)

    @routes.post("/clone")
    @routes.idempotent
    @routes.arguments(EmptyBody, required=False)
    @routes.response(201, Campaign, headers=ETAG | LOCATION)
    @routes.problems(400, 404, 413, 415)
    def clone(_: object, campaign_id: CampaignId) -> BodyAndHeaders:
        """Create a draft with the content of a campaign in any state."""
        with databases.main.reading() as cursor:
            identity = new_identity(cursor)
        work = partial(
            editor.clone, identity=identity, campaign_id=campaign_id, actor=caller().name
        )
        return made(databases, idempotent_request().run_once(transactions, work))


def _add_running(
    routes: Resource, databases: Databases, transactions: RetryingTransactions
) -> None:
    """Add the actions on a campaign that has started."""

    def change(campaign_id: CampaignId, transition: Transition) -> Description:
        work = partial(
            change_state,
            campaign_id=campaign_id,
            transition=transition,
            actor=caller().name,
            # Only a resume has messages sent.
            traceparent=present_traceparent() if transition is Transition.RESUME else None,
        )
        with naming_api_actions():
            changed = idempotent_request().run_once(transactions, work)
        if changed is None:
            raise unknown(campaign_id)
        before, after = changed
        if before != after:
            log_change(f"campaign {WORDS[transition]}", campaign_id)
        return read_campaign(databases, campaign_id)

    @routes.post("/pause")
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 409, 413, 415)
    def pause(_: object, campaign_id: CampaignId) -> Description:
        """Pause a running campaign: no send starts later than 2 s after the response."""
        return change(campaign_id, Transition.PAUSE)

    @routes.post("/resume")
    @routes.idempotent
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 413, 415)
    def resume(_: object, campaign_id: CampaignId) -> Description:
        """Resume a paused campaign: exactly the messages without an outcome are sent."""
        return change(campaign_id, Transition.RESUME)

    @routes.post("/cancel")
    @routes.arguments(EmptyBody, required=False)
    @routes.response(200, Campaign)
    @routes.problems(400, 404, 409, 413, 415)
    def cancel(_: object, campaign_id: CampaignId) -> Description:
        """Cancel a campaign: messages without an outcome are not sent any more."""
        return change(campaign_id, Transition.CANCEL)

    @routes.post("/retry")
    @routes.idempotent
    @routes.arguments(Retry)
    @routes.response(200, RetriedCampaign)
    @routes.problems(400, 404, 413, 415)
    def retry(body: Mapping[str, Any], campaign_id: CampaignId) -> Description:
        """Send messages of a status, or undelivered ones, again; a finished campaign runs again."""
        with databases.main.reading() as cursor:
            after_event = last_event_id(cursor, campaign_id)
        work = partial(
            request_retry,
            databases=databases,
            campaign_id=campaign_id,
            actor=caller().name,
            wanted=messages_to_retry(body),
            after_event=after_event,
            traceparent=present_traceparent(),
        )
        with naming_api_actions():
            matched = idempotent_request().run_once(transactions, work)
        if matched:
            log_change("campaign retried", campaign_id, messages=matched)
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
