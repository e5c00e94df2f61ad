"""/v1/campaigns/{id}/test: one real message outside of the campaign's counters."""

from functools import partial
from typing import Any

from flask import Response, jsonify

from campaign_api.campaigns.trial_messages import describe, store_trial_message, wait_for_outcome
from campaign_api.erased.keys import ErasureKeys
from campaign_api.errors import NotFound
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.schemas.trial_message import TestMessageRequest, TestMessageResponse
from campaign_api.web.caller import Scope, caller, require_scope
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.limits.trial_limit import TrialLimit
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.settings import Settings
from campaign_common.store.messages.single_messages import read_single_message
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks

RETRY_SECONDS = 10.0
"""Seconds for which storing the message is retried while the database is down."""


def resource(
    database: Database,
    settings: Settings,
    limit: TrialLimit,
    keys: ErasureKeys,
    links: UnsubscribeLinks | None,
) -> Resource:
    """Build the routes; a key has a limit, since a test message goes to any number."""
    transactions = RetryingTransactions(database, RETRY_SECONDS)
    routes = Resource(
        "test messages",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="Single real messages, to test a template.",
    )

    @routes.post("/test")
    @routes.limit_concurrency(LimitedWork.TEST_MESSAGE)
    @routes.idempotent_unstored
    @routes.arguments(TestMessageRequest)
    @routes.response(200, TestMessageResponse)
    @routes.alt_response(202, schema=TestMessageResponse, description="It is not known yet.")
    @routes.problems(400, 403, 404, 413, 415, 422)
    def send(wanted: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Send one real message, in any state of the campaign; wait 10 s for its outcome.

        A sender sends it once to the campaign's provider, under the idempotency key `test-{id}`,
        within 30 seconds or not at all.

        `attributes` must have each column that the campaign's template names without a default.
        A 422 names the missing ones, as `attributes.` and the column. A number that a suppression
        applies to is refused. A link to unsubscribe is as long as in other messages, and
        changes nothing.
        """
        send_if_suppressed = "suppressed" in wanted
        if send_if_suppressed:
            require_scope(Scope.ADMIN)
        store = partial(
            store_trial_message,
            settings=settings,
            campaign_id=campaign_id,
            phone=wanted["phone"],
            attributes=wanted["attributes"],
            actor=caller().name,
            unless_suppressed=None if send_if_suppressed else keys,
            links=links,
        )
        limit.count()
        message = wait_for_outcome(database, idempotent_request().run_once(transactions, store))
        if message is None:
            raise NotFound("the message is not kept any more")
        response = jsonify(describe(message))
        response.status_code = 202 if message.status is None else 200
        return response

    @routes.get("/test/<int:test_id>")
    @routes.response(200, TestMessageResponse)
    @routes.problems(404)
    def show(campaign_id: CampaignId, test_id: int) -> Response:
        """Return a test message as it is now, with what its provider has reported.

        A test message is kept for a day.
        """
        with database.reading() as cursor:
            message = read_single_message(cursor, test_id)
        if message is None or message.campaign_id != campaign_id:
            raise NotFound("there is no such test message, or it is not kept any more")
        return jsonify(describe(message))

    return routes
