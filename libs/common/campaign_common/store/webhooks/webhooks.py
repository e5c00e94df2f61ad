"""webhooks: URLs that events are posted to, and the encrypted secrets that sign them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.webhooks.webhook_changes import WebhookChangeKind, append_change

PREVIOUS_FOR = 24 * 3600
"""Seconds for which deliveries are signed with the secret before as well, after a rotation."""


class Webhook(NamedTuple):
    """A webhook as it is stored; times are UTC, naive.

    `kinds` None: events of every kind. `disabled_reason`: why it was disabled, other than by a
    client. `previous_until`: until then deliveries are signed with the secret before, too.
    """

    id: int
    url: str
    kinds: tuple[str, ...] | None
    enabled: bool
    disabled_reason: str | None
    secret: str
    previous_secret: str | None
    previous_until: datetime | None
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime


COLUMNS = """
id, url, kinds, enabled, disabled_reason, secret,
IF(previous_until > NOW(6), previous_secret, NULL),
IF(previous_until > NOW(6), previous_until, NULL),
created_by, created_at, changed_by, changed_at
"""

INSERT = """
INSERT INTO webhooks (url, kinds, enabled, secret, created_by, created_at, changed_by, changed_at)
VALUES (%s, %s, %s, %s, %s, NOW(6), %s, NOW(6))
"""

SELECT_ALL = f"SELECT {COLUMNS} FROM webhooks ORDER BY id"

SELECT = f"SELECT {COLUMNS} FROM webhooks WHERE id = %s"

LOCK = "SELECT 1 FROM webhooks WHERE id = %s FOR UPDATE"

COUNT = "SELECT COUNT(*) FROM webhooks"

UPDATE = """
UPDATE webhooks SET url = %s, kinds = %s, enabled = %s, disabled_reason = %s,
  changed_by = %s, changed_at = NOW(6)
WHERE id = %s
"""

# Assignments are made from left to right.
ROTATE = """
UPDATE webhooks SET previous_secret = secret, secret = %s,
  previous_until = NOW(6) + INTERVAL %s SECOND, changed_by = %s, changed_at = NOW(6)
WHERE id = %s
"""

DISABLE = """
UPDATE webhooks SET enabled = 0, disabled_reason = %s WHERE id = %s AND enabled = 1
"""

DELETE = "DELETE FROM webhooks WHERE id = %s"


def insert_webhook(
    cursor: Cursor, url: str, kinds: Sequence[str] | None, secret: str, actor: str, *, enabled: bool
) -> int:
    """Store a webhook with its encrypted secret; return its id."""
    cursor.execute(INSERT, (url, _text(kinds), int(enabled), secret, actor, actor))
    webhook_id = int(cursor.lastrowid)
    details = {"kinds": None if kinds is None else list(kinds), "enabled": enabled}
    append_change(cursor, webhook_id, actor, WebhookChangeKind.CREATED, details)
    return webhook_id


def count_webhooks(cursor: Cursor) -> int:
    """Return how many webhooks there are."""
    cursor.execute(COUNT)
    ((found,),) = cursor.fetchall()
    return int(found)


def read_webhooks(cursor: Cursor) -> list[Webhook]:
    """Read all webhooks, the oldest first; they are few."""
    cursor.execute(SELECT_ALL)
    return [_webhook(row) for row in cursor.fetchall()]


def read_webhook(cursor: Cursor, webhook_id: int, *, lock: bool = False) -> Webhook | None:
    """Read a webhook; None where there is none. `lock`: keep it until the transaction ends."""
    if lock:
        cursor.execute(LOCK, (webhook_id,))
    cursor.execute(SELECT, (webhook_id,))
    row = cursor.fetchone()
    return None if row is None else _webhook(row)


def update_webhook(cursor: Cursor, before: Webhook, webhook: Webhook, actor: str) -> None:
    """Store the URL, the kinds and the state of a webhook that the transaction has locked.

    Without a difference to `before` there is no change in its history.
    """
    details: dict[str, object] = {}
    if webhook.url != before.url:
        details["url"] = "changed"
    if webhook.kinds != before.kinds:
        details["kinds"] = None if webhook.kinds is None else list(webhook.kinds)
    if webhook.enabled != before.enabled:
        details["enabled"] = webhook.enabled
    if details:
        append_change(cursor, webhook.id, actor, WebhookChangeKind.CHANGED, details)
    values = (webhook.url, _text(webhook.kinds), int(webhook.enabled), webhook.disabled_reason)
    cursor.execute(UPDATE, (*values, actor, webhook.id))


def rotate_secret(cursor: Cursor, webhook_id: int, secret: str, actor: str) -> None:
    """Replace the encrypted secret; the one before goes on signing, too, for a time."""
    cursor.execute(ROTATE, (secret, PREVIOUS_FOR, actor, webhook_id))
    append_change(cursor, webhook_id, actor, WebhookChangeKind.ROTATED)


def disable_webhook(cursor: Cursor, webhook_id: int, reason: str, actor: str) -> bool:
    """Disable a webhook; return whether it was enabled."""
    was_enabled = bool(cursor.execute(DISABLE, (reason, webhook_id)))
    if was_enabled:
        details = {"reason": reason}
        append_change(cursor, webhook_id, actor, WebhookChangeKind.DISABLED, details)
    return was_enabled


def delete_webhook(cursor: Cursor, webhook_id: int, actor: str) -> bool:
    """Delete a webhook; its deliveries are deleted later. Return whether it existed."""
    existed = bool(cursor.execute(DELETE, (webhook_id,)))
    if existed:
        append_change(cursor, webhook_id, actor, WebhookChangeKind.DELETED)
    return existed


def _text(kinds: Sequence[str] | None) -> str | None:
    return None if kinds is None else json.dumps(list(kinds))


def _webhook(row: tuple) -> Webhook:  # type: ignore[type-arg]
    id_, url, kinds, enabled, *others = row
    chosen = None if kinds is None else tuple(json.loads(kinds))
    return Webhook(id_, url, chosen, bool(enabled), *others)
