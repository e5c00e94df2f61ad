"""API keys: made, listed and revoked in the name of the client of the current request."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from campaign_api.errors import NotFound
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_common.database import Cursor, Database
from campaign_common.domain.api_key import ApiKey, Scope, is_key_id
from campaign_common.store.access.api_keys import (
    KeyEntry,
    insert_key,
    read_entries,
    read_entry,
    revoke_key,
)

RETRY_SECONDS = 10.0
"""Seconds for which a change is retried while the database is down."""

UNKNOWN = "there is no API key of this id"
"""The id that was given may be a whole key, and is not repeated."""

log = structlog.get_logger(__name__)


class ApiKeyRecords:
    """API keys of the database; each method raises RetryLater while that is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)

    def all(self) -> list[dict[str, Any]]:
        """Describe all keys, revoked ones too, the oldest first; they have no secrets."""
        with self._database.reading() as cursor:
            return list(map(_described, read_entries(cursor)))

    def one(self, key_id: str) -> dict[str, Any]:
        """Describe a key, without its secret.

        Raises:
            NotFound: there is none of this id.
        """
        _require_id(key_id)
        with self._database.reading() as cursor:
            entry = read_entry(cursor, key_id)
        if entry is None:
            raise NotFound(UNKNOWN)
        return _described(entry)

    def create(self, name: str, scope: Scope) -> dict[str, Any]:
        """Make a key; describe it with `key`, the whole of it, which is stored nowhere.

        `key` is None where an earlier request of the same Idempotency-Key made it.
        """
        made = ApiKey.generate()
        work = partial(_insert, made=made, name=name, scope=scope, actor=caller().name)
        key_id = idempotent_request().run_once(self._transactions, work)
        described = self.one(key_id)
        is_new = key_id == made.id
        if is_new:
            log.info("API key made", api_key=key_id, scope=scope.value, key=caller().name)
        return {**described, "key": made.token if is_new else None}

    def revoke(self, key_id: str) -> None:
        """Revoke a key, for good; one that is revoked already stays as it is.

        Raises:
            NotFound: there is none of this id.
        """
        _require_id(key_id)
        work = partial(_revoke, key_id=key_id, actor=caller().name)
        if idempotent_request().run_once(self._transactions, work):
            log.info("API key revoked", api_key=key_id, key=caller().name)


def _require_id(key_id: str) -> None:
    if not is_key_id(key_id):
        # The column is ASCII, and servers refuse to compare other text with it.
        raise NotFound(UNKNOWN)


def _insert(cursor: Cursor, *, made: ApiKey, name: str, scope: Scope, actor: str) -> str:
    """Store a key unless an earlier attempt of the same transaction did; return its id."""
    if read_entry(cursor, made.id) is None:
        insert_key(cursor, made.id, name, scope, made.digest(), actor=actor)
    return made.id


def _revoke(cursor: Cursor, *, key_id: str, actor: str) -> bool:
    """Revoke a key; return whether it was not revoked before.

    Raises:
        NotFound: there is none of this id.
    """
    entry = read_entry(cursor, key_id)
    if entry is None:
        raise NotFound(UNKNOWN)
    return entry.revoked_at is None and revoke_key(cursor, key_id, actor=actor)


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
