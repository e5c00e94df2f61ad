"""/v1/webhooks: URLs that events are posted to."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from campaign_api.schemas.webhooks.webhook import (
    DeliveryPage,
    DeliveryPageParameters,
    DeliverySchema,
    WebhookBody,
    WebhookChange,
    WebhookList,
    WebhookSchema,
)
from campaign_api.web.http.paging import LARGEST_NUMBER, Page, page_response
from campaign_api.web.routing.resource import Resource
from campaign_api.webhooks.webhook_editor import WebhookEditor
from campaign_common.domain.api_key import Scope


def resource(editor: WebhookEditor) -> Resource:
    """Build the routes."""
    records = editor.records
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
        made = editor.create(wanted)
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
        editor.change(webhook_id, changes)
        return records.one(webhook_id)

    @routes.delete("/<int:webhook_id>")
    @routes.requires(Scope.ADMIN)
    @routes.response(204)
    @routes.problems(404)
    def delete(webhook_id: int) -> None:
        """Delete a webhook and the log of its deliveries; a delivery under way may arrive."""
        editor.delete(webhook_id)

    @routes.post("/<int:webhook_id>/rotate")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent_unstored
    @routes.response(200, WebhookSchema)
    @routes.problems(404)
    def rotate(webhook_id: int) -> Mapping[str, Any]:
        """Replace the secret; for 24 hours deliveries are signed with the one before, too."""
        editor.rotate(webhook_id)
        return records.with_secret(webhook_id)

    @routes.post("/<int:webhook_id>/test")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent
    @routes.response(202, DeliverySchema)
    @routes.problems(404)
    def test(webhook_id: int) -> Mapping[str, Any]:
        """Have an event of the kind `webhook.test` delivered to this webhook alone."""
        return records.delivery(webhook_id, editor.test(webhook_id))

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
        editor.redeliver(webhook_id, delivery_id)
        return records.delivery(webhook_id, delivery_id)

    return routes
