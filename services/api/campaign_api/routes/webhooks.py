"""/v1/webhooks: URLs that events are posted to."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from flask import Response, url_for

from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.routes.campaigns import RETRY_SECONDS
from campaign_api.schemas.webhooks.webhook import (
    DeliveryPage,
    DeliveryPageParameters,
    DeliverySchema,
    WebhookBody,
    WebhookChange,
    WebhookList,
    WebhookSchema,
)
from campaign_api.web.caller import caller
from campaign_api.web.http.paging import LARGEST_NUMBER, Page, page_response
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.routing.resource import Resource
from campaign_api.webhooks import webhook_records
from campaign_api.webhooks.webhook_records import WebhookRecords
from campaign_common.domain.api_key import Scope

log = structlog.get_logger(__name__)


def resource(records: WebhookRecords) -> Resource:
    """Build the routes."""
    transactions = RetryingTransactions(records.database, RETRY_SECONDS)
    routes = Resource(
        "webhooks",
        __name__,
        url_prefix="/v1/webhooks",
        description="URLs that events are posted to, by Standard Webhooks.",
    )

    @routes.get("")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, WebhookList)
    def list_() -> Mapping[str, Any]:
        """List all webhooks, the oldest first."""
        return {"webhooks": records.all()}

    @routes.post("")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent_unstored
    @routes.arguments(WebhookBody)
    @routes.response(201, WebhookSchema)
    @routes.problems(400, 413, 415)
    def create(wanted: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Make a webhook; its secret is in this response only.

        A repeated request of the same Idempotency-Key shows the secret of the webhook as it is now.
        """
        work = partial(
            webhook_records.create,
            wanted=wanted,
            secret=records.encrypted_secret(),
            actor=caller().name,
        )
        made = idempotent_request().run_once(transactions, work)
        log.info("webhook created", webhook=made, key=caller().name)
        location = url_for("webhooks.read", webhook_id=made)
        return records.with_secret(made), {"Location": location}

    @routes.get("/<int:webhook_id>")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, WebhookSchema)
    @routes.problems(404)
    def read(webhook_id: int) -> Mapping[str, Any]:
        """Return a webhook, without its secret."""
        return records.one(webhook_id)

    @routes.patch("/<int:webhook_id>")
    @routes.requires(Scope.ADMIN)
    @routes.arguments(WebhookChange)
    @routes.response(200, WebhookSchema)
    @routes.problems(400, 404, 413, 415)
    def change(changes: Mapping[str, Any], webhook_id: int) -> Mapping[str, Any]:
        """Change the URL, the kinds or the state of a webhook.

        While it is disabled no new events are kept for it; those that wait already are delivered
        when it is enabled.
        """
        work = partial(
            webhook_records.change, webhook_id=webhook_id, changes=changes, actor=caller().name
        )
        transactions.run(work)
        log.info("webhook changed", webhook=webhook_id, key=caller().name)
        return records.one(webhook_id)

    @routes.delete("/<int:webhook_id>")
    @routes.requires(Scope.ADMIN)
    @routes.response(204)
    @routes.problems(404)
    def delete(webhook_id: int) -> None:
        """Delete a webhook and the log of its deliveries; a delivery under way may arrive."""
        transactions.run(partial(webhook_records.delete, webhook_id=webhook_id))
        log.info("webhook deleted", webhook=webhook_id, key=caller().name)

    @routes.post("/<int:webhook_id>/rotate")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent_unstored
    @routes.response(200, WebhookSchema)
    @routes.problems(404)
    def rotate(webhook_id: int) -> Mapping[str, Any]:
        """Replace the secret; for 24 hours deliveries are signed with the one before, too."""
        work = partial(
            webhook_records.rotate,
            webhook_id=webhook_id,
            secret=records.encrypted_secret(),
            actor=caller().name,
        )
        idempotent_request().run_once(transactions, work)
        log.info("webhook secret rotated", webhook=webhook_id, key=caller().name)
        return records.with_secret(webhook_id)

    @routes.post("/<int:webhook_id>/test")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent
    @routes.response(202, DeliverySchema)
    @routes.problems(404)
    def test(webhook_id: int) -> Mapping[str, Any]:
        """Have an event of the kind `webhook.test` delivered to this webhook alone."""
        work = partial(webhook_records.add_test, webhook_id=webhook_id)
        delivery_id = idempotent_request().run_once(transactions, work)
        log.info("webhook tested", webhook=webhook_id, key=caller().name)
        return records.delivery(webhook_id, delivery_id)

    @routes.get("/<int:webhook_id>/deliveries")
    @routes.requires(Scope.ADMIN)
    @routes.arguments(DeliveryPageParameters, location="query")
    @routes.response(200, DeliveryPage)
    @routes.problems(404)
    def deliveries(parameters: Mapping[str, Any], webhook_id: int) -> Response:
        """List the deliveries of a webhook, the newest first; they are kept for 30 days."""
        (before_id,) = parameters.get("cursor", (LARGEST_NUMBER - 1,))
        limit = parameters["limit"]
        found = records.page(webhook_id, before_id=before_id, limit=limit)
        next_key = (found[-1]["id"],) if len(found) == limit else None
        return page_response("deliveries", Page(DeliverySchema(many=True).dump(found), next_key))

    @routes.post("/<int:webhook_id>/deliveries/<int:delivery_id>/redeliver")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent
    @routes.response(202, DeliverySchema)
    @routes.problems(404)
    def redeliver(webhook_id: int, delivery_id: int) -> Mapping[str, Any]:
        """Have an event delivered once more, under the same id and with all of the retries."""
        work = partial(
            webhook_records.deliver_again, webhook_id=webhook_id, delivery_id=delivery_id
        )
        idempotent_request().run_once(transactions, work)
        log.info("webhook redelivery", webhook=webhook_id, delivery=delivery_id, key=caller().name)
        return records.delivery(webhook_id, delivery_id)

    return routes
