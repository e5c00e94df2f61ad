"""api_keys: who may use the API. Keys are revoked, never deleted, so that names stay known."""

from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.api_key import Scope
from campaign_common.domain.events.event_kind import EventKind
from campaign_common.store.core.outgoing_events import record_event


class StoredKey(NamedTuple):
    """The stored part of a key, by which a request's key is recognised."""

    id: str
    name: str
    scope: Scope
    secret_sha256: bytes
    revoked: bool


class KeyEntry(NamedTuple):
    """A key as a list shows it; times in UTC, naive."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


INSERT_KEY = """
INSERT INTO api_keys (id, name, scope, secret_sha256, created_at, created_by)
VALUES (%s, %s, %s, %s, NOW(6), %s)
"""

SELECT_KEYS = "SELECT id, name, scope, secret_sha256, revoked_at IS NOT NULL FROM api_keys"

SELECT_ENTRIES = """
SELECT id, name, scope, created_at, last_used_at, revoked_at FROM api_keys ORDER BY created_at, id
"""

SELECT_ENTRY = """
SELECT id, name, scope, created_at, last_used_at, revoked_at FROM api_keys WHERE id = %s
"""

REVOKE = """
UPDATE api_keys SET revoked_at = NOW(6), revoked_by = %s WHERE id = %s AND revoked_at IS NULL
"""

SELECT_KEY = "SELECT 1 FROM api_keys WHERE id = %s"

NOTE_USE = "UPDATE api_keys SET last_used_at = NOW(6) WHERE id = %s"


def insert_key(
    cursor: Cursor,
    key_id: str,
    name: str,
    scope: Scope,
    secret_sha256: bytes,
    *,
    actor: str | None = None,
) -> None:
    """Store a new key; `actor` makes it, None: it is not known who."""
    cursor.execute(INSERT_KEY, (key_id, name, scope.value, secret_sha256, actor))
    record_event(cursor, EventKind.API_KEY_CREATED, {"key_id": key_id, "scope": scope.value})


def read_keys(cursor: Cursor) -> list[StoredKey]:
    """Read all keys there ever were; they are few."""
    cursor.execute(SELECT_KEYS)
    return [
        StoredKey(key_id, name, Scope(scope), bytes(digest), bool(revoked))
        for key_id, name, scope, digest, revoked in cursor.fetchall()
    ]


def read_entries(cursor: Cursor) -> list[KeyEntry]:
    """Read all keys as a list shows them, the oldest first."""
    cursor.execute(SELECT_ENTRIES)
    return [
        KeyEntry(key_id, name, Scope(scope), *times)
        for key_id, name, scope, *times in cursor.fetchall()
    ]


def read_entry(cursor: Cursor, key_id: str) -> KeyEntry | None:
    """Read a key as a list shows it; None when there is none of this id."""
    cursor.execute(SELECT_ENTRY, (key_id,))
    found = cursor.fetchone()
    if found is None:
        return None
    stored_id, name, scope, *times = found
    return KeyEntry(stored_id, name, Scope(scope), *times)


def revoke_key(cursor: Cursor, key_id: str, *, actor: str | None = None) -> bool:
    """Revoke a key, again without effect; False when there is none of this id.

    `actor` revokes it; None: it is not known who.
    """
    if cursor.execute(REVOKE, (actor, key_id)):
        record_event(cursor, EventKind.API_KEY_REVOKED, {"key_id": key_id})
    return bool(cursor.execute(SELECT_KEY, (key_id,)))


def note_use(cursor: Cursor, key_id: str) -> None:
    """Note that a key was used now."""
    cursor.execute(NOTE_USE, (key_id,))
