"""Limits of providers: those that hold, and their changes in the name of the present client."""

from datetime import UTC
from functools import partial
from typing import Any

import structlog

from campaign_api.errors import NotFound, PreconditionFailed
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_common.database import Cursor, Database
from campaign_common.domain.limits.provider_limits import ProviderLimits, UnreadableLimits
from campaign_common.settings import Settings
from campaign_common.store.limits.live_limits import (
    CONFIGURED,
    read_live,
    read_provider_events,
    set_live,
)

RETRY_SECONDS = 10.0
"""Seconds for which a change is retried while the database is down."""

LATEST_EVENTS = 20

CHANGED = "somebody has changed these limits meanwhile; look at them, and set them again"

log = structlog.get_logger(__name__)


class LimitRecords:
    """Limits of the configured providers; raises RetryLater while the database is unavailable."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)
        self._configured = {
            name: provider.limits.limits for name, provider in settings.configured_providers.items()
        }

    def read(self, provider: str) -> dict[str, Any]:
        """Describe the limits of a provider that hold now, and their latest changes.

        Raises:
            NotFound: it is not configured.
        """
        self._require(provider)
        with self._database.reading() as cursor:
            live = read_live(cursor, provider)
            events = read_provider_events(cursor, provider, limit=LATEST_EVENTS)
        return {
            "provider": provider,
            "source": "configured" if live is None else "live",
            "limits": self._configured[provider] if live is None else live.limits,
            "version": CONFIGURED if live is None else live.version,
            "events": [
                {
                    "id": event.id,
                    "at": event.at.replace(tzinfo=UTC),
                    "actor": event.actor,
                    "limits": _readable(event.details["limits"]),
                }
                for event in events
            ],
        }

    def set(
        self, provider: str, limits: ProviderLimits | None, *, version: int | None = None
    ) -> None:
        """Set limits that hold in place of the configured ones; None: those hold again.

        `version`: limits are set only in place of those of this version; None: of any.

        Raises:
            NotFound: the provider is not configured.
            PreconditionFailed: limits of another version hold.
        """
        self._require(provider)
        work = partial(_set, provider=provider, limits=limits, actor=caller().name, version=version)
        if not idempotent_request().run_once(self._transactions, work):
            return
        if limits is None:
            log.info("provider limits deleted", provider=provider, key=caller().name)
        else:
            log.info(
                "provider limits set", provider=provider, key=caller().name, **limits.as_json()
            )

    def _require(self, provider: str) -> None:
        if provider not in self._configured:
            raise NotFound(f"there is no provider {provider}")


def _set(
    cursor: Cursor,
    *,
    provider: str,
    limits: ProviderLimits | None,
    actor: str,
    version: int | None,
) -> bool:
    """Set limits; return whether others held before."""
    live = read_live(cursor, provider, lock=version is not None)
    if (live is None) == (limits is None) and (live is None or live.limits == limits):
        return False
    if version not in (None, CONFIGURED if live is None else live.version):
        raise PreconditionFailed(CHANGED)
    are_first = set_live(cursor, provider, limits, actor)
    if version == CONFIGURED and not are_first:
        # Others were set since they were read: there was no row that could be locked.
        raise PreconditionFailed(CHANGED)
    return True


def _readable(values: object) -> ProviderLimits | None:
    """Return limits of an event; None: the configured ones, or those of a newer version."""
    try:
        return None if values is None else ProviderLimits.of_json(values)
    except UnreadableLimits:
        return None
