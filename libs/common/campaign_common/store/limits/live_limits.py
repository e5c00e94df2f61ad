"""provider_limits and provider_events: limits that people set while services run."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.limits.provider_limits import ProviderLimits

LIMITS_CHANGED = "limits"
"""Kind of the event of changed limits."""

CHECKED = "check"
"""Kind of the event of a check that somebody asked for."""

SELECT_ALL = "SELECT provider, limits FROM provider_limits"

SELECT_ONE = """
SELECT limits, version, changed_at, changed_by FROM provider_limits WHERE provider = %s
"""

UPSERT = """
INSERT INTO provider_limits (provider, limits, version, changed_at, changed_by)
VALUES (%s, %s, 1, NOW(6), %s)
ON DUPLICATE KEY UPDATE limits = VALUES(limits), version = version + 1,
  changed_at = VALUES(changed_at), changed_by = VALUES(changed_by)
"""

DELETE = "DELETE FROM provider_limits WHERE provider = %s"

INSERT_EVENT = """
INSERT INTO provider_events (provider, at, actor, kind, details) VALUES (%s, NOW(6), %s, %s, %s)
"""

SELECT_EVENTS = """
SELECT id, at, actor, kind, details FROM provider_events
WHERE provider = %s AND kind IN %s ORDER BY id DESC LIMIT %s
"""


class LiveLimits(NamedTuple):
    """Limits set by a person, which hold in place of the configured ones."""

    limits: ProviderLimits
    version: int
    changed_at: datetime
    """UTC, naive."""
    changed_by: str


class ProviderEvent(NamedTuple):
    """Change of a provider; `at` is UTC, naive."""

    id: int
    at: datetime
    actor: str
    kind: str
    details: dict[str, Any]


def read_all_live(cursor: Cursor) -> dict[str, ProviderLimits]:
    """Read the live limits of all providers that have some."""
    cursor.execute(SELECT_ALL)
    return {name: ProviderLimits.of_json(json.loads(text)) for name, text in cursor.fetchall()}


def read_live(cursor: Cursor, provider: str) -> LiveLimits | None:
    """Read the live limits of a provider; None: the configured ones hold."""
    cursor.execute(SELECT_ONE, (provider,))
    row = cursor.fetchone()
    if row is None:
        return None
    text, version, changed_at, changed_by = row
    return LiveLimits(ProviderLimits.of_json(json.loads(text)), version, changed_at, changed_by)


def set_live(cursor: Cursor, provider: str, limits: ProviderLimits | None, actor: str) -> None:
    """Set the live limits of a provider, with an event; None: the configured ones hold again."""
    if limits is None:
        cursor.execute(DELETE, (provider,))
    else:
        cursor.execute(UPSERT, (provider, json.dumps(limits.as_json()), actor))
    details = {"limits": None if limits is None else limits.as_json()}
    append_provider_event(cursor, provider, actor, LIMITS_CHANGED, details)


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
