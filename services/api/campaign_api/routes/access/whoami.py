"""GET /v1/whoami: the client of the request."""

from typing import Any

from campaign_api.schemas.access.whoami import Whoami
from campaign_api.web.caller import caller, caller_kind, may_see_reasons
from campaign_api.web.routing.resource import Resource
from campaign_common.domain.api_key import Scope


def resource(version: str) -> Resource:
    """Build the route; `version` is that of the API."""
    routes = Resource(
        "whoami", __name__, url_prefix="/v1/whoami", description="The client of a request."
    )

    @routes.get("")
    @routes.response(200, Whoami)
    def read() -> dict[str, Any]:
        """Return which client asks, what its key allows, and the version of the API."""
        found = caller()
        return {
            "kind": caller_kind(),
            "key_id": found.key_id or None,
            "name": found.name,
            "scope": found.scope,
            "scopes": [scope for scope in Scope if found.scope.allows(scope)],
            "sees_reasons": may_see_reasons(),
            "version": version,
        }

    return routes
