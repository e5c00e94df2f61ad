"""provider_limits and provider_events: limits that people set while services run."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.limits.provider_limits import ProviderLimits, UnreadableLimits
from campaign_common.store.limits.server_time import MOMENT, SERVER, ServerTime

LIMITS_CHANGED = "limits"
"""Kind of the event of changed limits."""

CHECKED = "check"
"""Kind of the event of a check that somebody asked for."""

CONFIGURED = 0
"""Version of the limits of a provider that has no live ones."""

SAME_VERSION = "COALESCE((SELECT version FROM provider_limits WHERE provider = %s), 0) = %s"
"""Condition that a provider's live limits are those of a version."""

# One row at least, so that the time is read where no limits are.
SELECT_ALL = f"""
SELECT {MOMENT}, {SERVER}, l.provider, l.limits, l.version
FROM (SELECT 1) one LEFT JOIN provider_limits l ON TRUE
"""

SELECT_ONE = "SELECT limits, version FROM provider_limits WHERE provider = %s"

UPSERT = """
INSERT INTO provider_limits (provider, limits, version, changed_at, changed_by)
VALUES (%s, %s, %s, NOW(6), %s)
ON DUPLICATE KEY UPDATE limits = VALUES(limits), version = VALUES(version),
  changed_at = VALUES(changed_at), changed_by = VALUES(changed_by)
"""

DELETE = "DELETE FROM provider_limits WHERE provider = %s"

INSERT_EVENT = """
INSERT INTO provider_events (provider, at, actor, kind, details) VALUES (%s, NOW(6), %s, %s, %s)
"""

DELETE_OLD_EVENTS = """
DELETE FROM provider_events WHERE at < NOW(6) - INTERVAL %s SECOND ORDER BY id LIMIT %s
"""

SELECT_EVENTS = """
SELECT id, at, actor, kind, details FROM provider_events
WHERE provider = %s AND kind IN %s ORDER BY id DESC LIMIT %s
"""


class LiveLimits(NamedTuple):
    """Limits set by a person, which hold in place of the configured ones."""

    limits: ProviderLimits | None
    """None: this version cannot read them, and nothing may be granted."""
    version: int
    """Number of the event that set them; it never returns."""


class LiveRead(NamedTuple):
    """Live limits of all providers that have some."""

    time: ServerTime
    limits: Mapping[str, LiveLimits]


class ProviderEvent(NamedTuple):
    """Change of a provider; `at` is UTC, naive."""

    id: int
    at: datetime
    actor: str
    kind: str
    details: dict[str, Any]


def read_all_live(cursor: Cursor) -> LiveRead:
    """Read the live limits of all providers that have some, with the time, in one statement."""
    cursor.execute(SELECT_ALL)
    rows = cursor.fetchall()
    live = {name: _live(text, version) for _, _, name, text, version in rows if name is not None}
    moment, server, *_ = rows[0]
    return LiveRead(ServerTime(float(moment), str(server)), live)


def read_live(cursor: Cursor, provider: str, *, lock: bool = False) -> LiveLimits | None:
    """Read the live limits of a provider; None: the configured ones hold.

    `lock`: keep them, where there are some, until the transaction ends.
    """
    cursor.execute(f"{SELECT_ONE} FOR UPDATE" if lock else SELECT_ONE, (provider,))
    row = cursor.fetchone()
    return None if row is None else _live(*row)


def set_live(cursor: Cursor, provider: str, limits: ProviderLimits | None, actor: str) -> bool:
    """Set the live limits of a provider, with an event; None: the configured ones hold again.

    Return whether they are the first: it had no live ones.
    """
    details = {"limits": None if limits is None else limits.as_json()}
    cursor.execute(INSERT_EVENT, (provider, actor, LIMITS_CHANGED, json.dumps(details)))
    if limits is None:
        cursor.execute(DELETE, (provider,))
        return False
    values = (provider, json.dumps(limits.as_json()), cursor.lastrowid, actor)
    # 2 where a row was updated.
    return cursor.execute(UPSERT, values) == 1


def _live(text: str, version: int) -> LiveLimits:
    try:
        return LiveLimits(ProviderLimits.of_json(json.loads(text)), version)
    except UnreadableLimits:
        return LiveLimits(None, version)


def append_provider_event(
    cursor: Cursor, provider: str, actor: str, kind: str, details: Mapping[str, Any]
) -> None:
    """Append an event of a provider."""
    cursor.execute(INSERT_EVENT, (provider, actor, kind, json.dumps(details)))


def read_provider_events(
    cursor: Cursor, provider: str, *, limit: int, kinds: Collection[str] = (LIMITS_CHANGED,)
) -> Collection[ProviderEvent]:
    """Read the latest events of some kinds of a provider, the newest first."""
    cursor.execute(SELECT_EVENTS, (provider, tuple(kinds), limit))
    return [
        ProviderEvent(id_, at, actor, kind, json.loads(details))
        for id_, at, actor, kind, details in cursor.fetchall()
    ]


def delete_old_events(cursor: Cursor, *, older_than: float, limit: int) -> int:
    """Delete up to `limit` events older than so many seconds; return how many went."""
    return cursor.execute(DELETE_OLD_EVENTS, (older_than, limit))
