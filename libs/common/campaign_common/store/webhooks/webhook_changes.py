"""webhook_changes: who has made, changed and deleted which webhook."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pymysql.cursors import Cursor


class WebhookChangeKind(StrEnum):
    """A kind of change of a webhook."""

    CREATED = "created"
    CHANGED = "changed"
    ROTATED = "rotated"
    DISABLED = "disabled"
    """Its receiver answered 410."""
    DELETED = "deleted"


INSERT = """
INSERT INTO webhook_changes (webhook_id, at, actor, kind, details) VALUES (%s, NOW(6), %s, %s, %s)
"""

DELETE_OLD = """
DELETE FROM webhook_changes WHERE at < NOW(6) - INTERVAL %s SECOND ORDER BY id LIMIT %s
"""


def append_change(
    cursor: Cursor,
    webhook_id: int,
    actor: str,
    kind: WebhookChangeKind,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append a change; `details` have no secret and no URL, which may hold one."""
    cursor.execute(INSERT, (webhook_id, actor, kind.value, json.dumps(details or {})))


def delete_old_changes(cursor: Cursor, *, older_than: float, limit: int) -> int:
    """Delete up to `limit` changes older than so many seconds; return how many went."""
    return cursor.execute(DELETE_OLD, (older_than, limit))
