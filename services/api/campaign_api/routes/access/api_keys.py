"""/v1/api-keys: makes, lists and revokes API keys, as `campaign-db key` does."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from campaign_api.errors import NotFound
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.routes.campaigns import RETRY_SECONDS
from campaign_api.schemas.access.api_key import ApiKeyMade, ApiKeys, NewApiKey
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Cursor, Database
from campaign_common.domain.api_key import ApiKey, Scope, is_key_id
from campaign_common.store.access.api_keys import (
    KeyEntry,
    insert_key,
    read_entries,
    read_entry,
    revoke_key,
)

UNKNOWN = "there is no API key of this id"
"""The id that was given may be a whole key, and is not repeated."""

log = structlog.get_logger(__name__)


def resource(database: Database) -> Resource:
    """Build the routes, all of which need the scope admin."""
    transactions = RetryingTransactions(database, RETRY_SECONDS)
    routes = Resource(
        "API keys", __name__, url_prefix="/v1/api-keys", description="Keys of the API's clients."
    )

    @routes.get("")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, ApiKeys)
    def list_() -> dict[str, Any]:
        """List all API keys, revoked ones too, the oldest first; they have no secrets."""
        with database.reading() as cursor:
            entries = read_entries(cursor)
        return {"api_keys": list(map(_described, entries))}

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
        made = ApiKey.generate()
        work = partial(_insert, made=made, name=wanted["name"], scope=wanted["scope"])
        key_id = idempotent_request().run_once(transactions, work)
        with database.reading() as cursor:
            entry = read_entry(cursor, key_id)
        if entry is None:
            raise NotFound(UNKNOWN)
        is_new = key_id == made.id
        if is_new:
            log.info("API key made", api_key=key_id, scope=entry.scope, key=caller().name)
        return {**_described(entry), "key": made.token if is_new else None}

    @routes.delete("/<key_id>")
    @routes.requires(Scope.ADMIN)
    @routes.response(204)
    @routes.problems(404)
    def revoke(key_id: str) -> None:
        """Revoke an API key, for good: within 5 seconds no process takes it any more.

        A key that is revoked already stays as it is. The key of the request itself may be revoked,
        also the last one: `campaign-db key create` makes others.
        """
        if not is_key_id(key_id):
            # The column is ASCII, and servers refuse to compare other text with it.
            raise NotFound(UNKNOWN)
        if transactions.run(partial(_revoke, key_id=key_id)):
            log.info("API key revoked", api_key=key_id, key=caller().name)

    return routes


def _insert(cursor: Cursor, *, made: ApiKey, name: str, scope: Scope) -> str:
    """Store a key unless an earlier attempt of the same transaction did; return its id."""
    if read_entry(cursor, made.id) is None:
        insert_key(cursor, made.id, name, scope, made.digest())
    return made.id


def _revoke(cursor: Cursor, *, key_id: str) -> bool:
    """Revoke a key; return whether it was not revoked before.

    Raises:
        NotFound: there is none of this id.
    """
    entry = read_entry(cursor, key_id)
    if entry is None:
        raise NotFound(UNKNOWN)
    return entry.revoked_at is None and revoke_key(cursor, key_id)


def _described(entry: KeyEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "scope": entry.scope,
        "created_at": _aware(entry.created_at),
        "last_used_at": _aware(entry.last_used_at),
        "revoked_at": _aware(entry.revoked_at),
    }


def _aware(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
