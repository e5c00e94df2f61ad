"""GET /v1/providers, and of one: the state of providers."""

from collections.abc import Mapping
from typing import Any

from campaign_api.providers.overview import ProviderOverview
from campaign_api.schemas.provider import ProviderDetails, ProviderList
from campaign_api.web.caller import may_see_reasons
from campaign_api.web.routing.resource import Resource


def resource(overview: ProviderOverview) -> Resource:
    """Build the routes."""
    routes = Resource(
        "providers",
        __name__,
        url_prefix="/v1/providers",
        description="State of the configured providers.",
    )

    @routes.get("")
    @routes.response(200, ProviderList)
    def read_all() -> Mapping[str, Any]:
        """Return all configured providers, in the order of the configuration.

        What senders say is up to 5 s old; answers and latency are those of the last minute. Why
        one can not send, which may name a secret and its file, is said to keys with the scope
        admin.
        """
        return {"items": overview.read_all(shows_reasons=may_see_reasons())}

    @routes.get("/<provider>")
    @routes.response(200, ProviderDetails)
    @routes.problems(404)
    def read(provider: str) -> Mapping[str, Any]:
        """Return one provider, with its 20 latest events."""
        return overview.read(provider, shows_reasons=may_see_reasons())

    return routes
