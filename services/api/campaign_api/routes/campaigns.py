"""/v1/campaigns: campaigns themselves."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Response, request, url_for
from werkzeug.datastructures import ETags

from campaign_api.campaigns.actions import naming_api_actions
from campaign_api.campaigns.campaign_reader import (
    ProviderRests,
    campaign_of,
    page_of_campaigns,
    progress_of,
    read_campaign,
)
from campaign_api.campaigns.samples import samples_of
from campaign_api.errors import PreconditionFailed
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.schemas.campaigns.campaign import (
    Campaign,
    CampaignChange,
    CampaignPage,
    CampaignPageParameters,
    CampaignSummary,
    NewCampaignBody,
    cursor_key,
    filter_of,
)
from campaign_api.schemas.campaigns.progress import Progress, ProgressSamples
from campaign_api.web.caller import caller
from campaign_api.web.http.paging import Page, page_response
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.routing.resource import Resource
from campaign_api.web.telemetry.audit_log import log_change
from campaign_api.web.telemetry.tracing import present_traceparent
from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.planning.campaign_editor import CampaignEditor, new_identity
from campaign_common.planning.requests import NewCampaign

RETRY_SECONDS = 10.0
"""Seconds for which a change is retried while the database is down."""

ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Of this version of it."}}
LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it is."}}

BodyAndHeaders = tuple[dict[str, Any], dict[str, str]]


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


IF_MATCH = _header("If-Match", "ETag of the version to change, or *.")
IF_NONE_MATCH = _header("If-None-Match", "ETag of the version that the client has.")


def resource(databases: Databases, editor: CampaignEditor, rests: ProviderRests) -> Resource:
    """Build the routes."""
    transactions = RetryingTransactions(databases.main, RETRY_SECONDS)
    routes = Resource(
        "campaigns", __name__, url_prefix="/v1/campaigns", description="Campaigns as resources."
    )

    @routes.post("")
    @routes.idempotent
    @routes.arguments(NewCampaignBody)
    @routes.response(201, Campaign, headers=ETAG | LOCATION)
    @routes.problems(400, 413, 415)
    def create(wanted: NewCampaign) -> BodyAndHeaders:
        """Create a campaign: a draft, or scheduled if a time is given."""
        with databases.main.reading() as cursor:
            identity = new_identity(cursor)
        work = partial(
            editor.create,
            identity=identity,
            wanted=wanted,
            actor=caller().name,
            traceparent=present_traceparent(),
        )
        return made(databases, idempotent_request().run_once(transactions, work))

    @routes.get("")
    @routes.arguments(CampaignPageParameters, location="query")
    @routes.response(200, CampaignPage)
    def list_(parameters: Mapping[str, Any]) -> Response:
        """List campaigns, newest first."""
        wanted = filter_of(parameters)
        below, limit = parameters.get("cursor"), parameters["limit"]
        page = page_of_campaigns(databases, wanted, below, limit)
        next_key = page.next_position and cursor_key(page.next_position)
        return page_response(
            "campaigns", Page(CampaignSummary(many=True).dump(page.described), next_key)
        )

    @routes.get("/<int:campaign_id>")
    @routes.response(200, Campaign, headers=ETAG)
    @routes.alt_response(304, description="It is as If-None-Match says.")
    @routes.problems(404)
    @routes.doc(parameters=[IF_NONE_MATCH])
    def read(campaign_id: CampaignId) -> Response | BodyAndHeaders:
        """Return a campaign and its progress."""
        campaign = read_campaign(databases, campaign_id)
        tag = etag_of(campaign)
        if request.if_none_match.contains_weak(tag):
            return Response(status=304, headers={"ETag": f'"{tag}"'})
        return campaign, {"ETag": f'"{tag}"'}

    @routes.patch("/<int:campaign_id>")
    @routes.arguments(CampaignChange, required=False)
    @routes.response(200, Campaign, headers=ETAG)
    @routes.problems(400, 404, 409, 412, 413, 415, 422)
    @routes.doc(parameters=[IF_MATCH])
    def change(changes: Mapping[str, Any], campaign_id: CampaignId) -> BodyAndHeaders:
        """Change a campaign that has not started; max_rate, priority and budget until it is over.

        A rate that is lowered while it runs is obeyed within 2 s.
        """
        work = partial(
            editor.change,
            campaign_id=campaign_id,
            changes=changes,
            actor=caller().name,
            traceparent=present_traceparent(),
            require_match=matching(databases, campaign_id, request.if_match),
        )
        with naming_api_actions():
            changed = transactions.run(work)
        if changed:
            log_change("campaign changed", campaign_id, fields=", ".join(changed))
        return tagged(databases, campaign_id)

    @routes.delete("/<int:campaign_id>")
    @routes.response(204)
    @routes.problems(404, 409, 412)
    @routes.doc(parameters=[IF_MATCH])
    def delete(campaign_id: CampaignId) -> None:
        """Delete a draft, or a scheduled campaign that has not started."""
        read_campaign(databases, campaign_id)
        work = partial(
            editor.delete,
            campaign_id=campaign_id,
            actor=caller().name,
            require_match=matching(databases, campaign_id, request.if_match),
        )
        with naming_api_actions():
            transactions.run(work)
        log_change("campaign deleted", campaign_id)

    @routes.get("/<int:campaign_id>/progress")
    @routes.response(200, Progress)
    @routes.problems(404)
    def progress(campaign_id: CampaignId) -> dict[str, Any]:
        """Return the progress of a campaign: counts, balance, current rate, lag, cost, rest."""
        return progress_of(databases, campaign_id, rests)

    @routes.get("/<int:campaign_id>/samples")
    @routes.response(200, ProgressSamples)
    @routes.problems(404)
    def samples(campaign_id: CampaignId) -> dict[str, Any]:
        """Return the counts of a campaign at up to 400 points of its run, for plots.

        They are 5 s apart at first. The longer a campaign runs, the farther apart they are.
        """
        return {"samples": samples_of(databases, campaign_id)}

    return routes


def made(databases: Databases, campaign_id: CampaignId) -> BodyAndHeaders:
    """Answer with a campaign that was made just now, and where it is."""
    log_change("campaign created", campaign_id)
    campaign, headers = tagged(databases, campaign_id)
    location = url_for("campaigns.read", campaign_id=campaign_id)
    return campaign, {**headers, "Location": location}


def tagged(databases: Databases, campaign_id: CampaignId) -> BodyAndHeaders:
    """Answer with a campaign and its ETag."""
    campaign = read_campaign(databases, campaign_id)
    return campaign, {"ETag": f'"{etag_of(campaign)}"'}


def etag_of(campaign: Mapping[str, Any]) -> str:
    """Return the strong ETag of a campaign: a digest of what is answered."""
    answered = json.dumps(Campaign().dump(campaign), sort_keys=True)
    return hashlib.sha256(answered.encode()).hexdigest()[:32]


def matching(
    databases: Databases, campaign_id: CampaignId, wanted: ETags
) -> Callable[[Cursor], None]:
    """Return what checks If-Match against the campaign as it is inside a transaction."""

    def require(cursor: Cursor) -> None:
        # An absent If-Match asks for nothing; a weak tag never matches (RFC 9110, 13.1.1).
        if "If-Match" not in request.headers:
            return
        with databases.reading(cursor) as cursors:
            tag = etag_of(campaign_of(cursors, campaign_id))
        if not wanted.contains(tag):
            raise PreconditionFailed(f"campaign {campaign_id} is not as If-Match says; read it")

    return require
