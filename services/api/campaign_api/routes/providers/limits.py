"""GET, PUT, DELETE /v1/providers/{name}/limits: the limits of a provider."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from campaign_api.errors import NotFound
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.routes.campaigns import RETRY_SECONDS
from campaign_api.schemas.provider_limits import LimitsInForce, ProviderLimitsSchema
from campaign_api.web.caller import caller
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Cursor, Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.limits.provider_limits import ProviderLimits, UnreadableLimits
from campaign_common.settings import Settings
from campaign_common.store.limits.live_limits import read_live, read_provider_events, set_live

LATEST_EVENTS = 20

log = structlog.get_logger(__name__)


def resource(database: Database, settings: Settings) -> Resource:
    """Build the routes."""
    transactions = RetryingTransactions(database, RETRY_SECONDS)
    configured = {
        name: provider.limits.limits for name, provider in settings.configured_providers.items()
    }
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
        return _in_force(database, provider, configured)

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
        _require(provider, configured)
        transactions.run(partial(_set, provider=provider, limits=limits, actor=caller().name))
        log.info("provider limits set", provider=provider, key=caller().name, **limits.as_json())
        return _in_force(database, provider, configured)

    @routes.delete("/limits")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, LimitsInForce)
    @routes.problems(404)
    def remove(provider: str) -> Mapping[str, Any]:
        """Delete the limits that were set here: the configured ones hold again."""
        _require(provider, configured)
        transactions.run(partial(_set, provider=provider, limits=None, actor=caller().name))
        log.info("provider limits deleted", provider=provider, key=caller().name)
        return _in_force(database, provider, configured)

    return routes


def _set(cursor: Cursor, *, provider: str, limits: ProviderLimits | None, actor: str) -> None:
    live = read_live(cursor, provider)
    if (live is None) != (limits is None) or (live is not None and live.limits != limits):
        set_live(cursor, provider, limits, actor)


def _require(provider: str, configured: Mapping[str, ProviderLimits]) -> None:
    if provider not in configured:
        raise NotFound(f"there is no provider {provider}")


def _in_force(
    database: Database, provider: str, configured: Mapping[str, ProviderLimits]
) -> Mapping[str, Any]:
    _require(provider, configured)
    with database.reading() as cursor:
        live = read_live(cursor, provider)
        events = read_provider_events(cursor, provider, limit=LATEST_EVENTS)
    return {
        "provider": provider,
        "source": "configured" if live is None else "live",
        "limits": configured[provider] if live is None else live.limits,
        "events": [
            {
                "id": event.id,
                "at": event.at,
                "actor": event.actor,
                "limits": _readable(event.details["limits"]),
            }
            for event in events
        ],
    }


def _readable(values: object) -> ProviderLimits | None:
    """Return limits of an event; None: the configured ones, or those of a newer version."""
    try:
        return None if values is None else ProviderLimits.of_json(values)
    except UnreadableLimits:
        return None
