"""/v1/api-keys: makes, lists and revokes API keys, as `campaign-db key` does."""

from collections.abc import Mapping
from typing import Any

from campaign_api.access.api_key_records import ApiKeyRecords
from campaign_api.schemas.access.api_key import ApiKeyMade, ApiKeys, NewApiKey
from campaign_api.web.routing.resource import Resource
from campaign_common.domain.api_key import Scope


def resource(records: ApiKeyRecords) -> Resource:
    """Build the routes, all of which need the scope admin."""
    routes = Resource(
        "API keys", __name__, url_prefix="/v1/api-keys", description="Keys of the API's clients."
    )

    @routes.get("")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, ApiKeys)
    def list_() -> dict[str, Any]:
        """List all API keys, revoked ones too, the oldest first; they have no secrets."""
        return {"api_keys": records.all()}

    @routes.post("")
    @routes.requires(Scope.ADMIN)
    @routes.idempotent_unstored
    @routes.arguments(NewApiKey)
    @routes.response(201, ApiKeyMade)
    @routes.problems(400, 404, 413, 415)
    def create(wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Make an API key; its secret is in this response, and nowhere else.

        A request that is repeated with the same Idempotency-Key makes no second key, and its
        response has no secret: that is not stored.
        """
        return records.create(wanted["name"], wanted["scope"])

    @routes.delete("/<key_id>")
    @routes.requires(Scope.ADMIN)
    @routes.response(204)
    @routes.problems(404)
    def revoke(key_id: str) -> None:
        """Revoke an API key, for good: within 5 seconds no process takes it any more.

        A key that is revoked already stays as it is. The key of the request itself may be revoked,
        also the last one: `campaign-db key create` makes others.
        """
        records.revoke(key_id)

    return routes
