"""GET, PUT, DELETE /v1/providers/{name}/limits: the limits of a provider."""

from collections.abc import Mapping
from typing import Any

from campaign_api.providers.limit_records import LimitRecords
from campaign_api.schemas.provider_limits import LimitsInForce, ProviderLimitsSchema
from campaign_api.web.routing.resource import Resource
from campaign_common.domain.api_key import Scope
from campaign_common.domain.limits.provider_limits import ProviderLimits


def resource(records: LimitRecords) -> Resource:
    """Build the routes."""
    routes = Resource(
        "provider limits",
        __name__,
        url_prefix="/v1/providers/<provider>",
        description="Limits of a provider, which hold for all senders together.",
    )

    @routes.get("/limits")
    @routes.response(200, LimitsInForce)
    @routes.problems(404)
    def read(provider: str) -> Mapping[str, Any]:
        """Return the limits of a provider that hold now, and their latest changes."""
        return records.read(provider)

    @routes.put("/limits")
    @routes.requires(Scope.ADMIN)
    @routes.arguments(ProviderLimitsSchema)
    @routes.response(200, LimitsInForce)
    @routes.problems(400, 404, 413, 415, 422)
    def replace(limits: ProviderLimits, provider: str) -> Mapping[str, Any]:
        """Set limits that hold in place of the configured ones, within 2 s.

        They replace all limits of the provider: a field that is left out is no limit. They
        hold until they are set again or deleted, also over restarts.
        """
        records.set(provider, limits)
        return records.read(provider)

    @routes.delete("/limits")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, LimitsInForce)
    @routes.problems(404)
    def remove(provider: str) -> Mapping[str, Any]:
        """Delete the limits that were set here: the configured ones hold again."""
        records.set(provider, None)
        return records.read(provider)

    return routes
