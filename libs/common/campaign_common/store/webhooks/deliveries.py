"""webhook_deliveries: each event for each webhook that has chosen it, and how it arrived."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.events.delivery_retries import DeliveryState
from campaign_common.domain.events.event_kind import EventKind
from campaign_common.store.core.outgoing_events import record_event
from campaign_common.store.webhooks.webhooks import Webhook, read_webhooks

KEPT_DAYS = 30
"""Days for which events and deliveries are kept."""


class WebhookDelivery(NamedTuple):
    """A delivery as its log shows it; times are UTC, naive.

    `failures` since the event came, or since it was to be delivered again; `status` and `error`
    are those of the last try, of which there is one of both.
    """

    id: int
    event_id: str
    kind: str
    state: DeliveryState
    tries: int
    failures: int
    due_at: datetime | None
    status: int | None
    error: str | None
    took_ms: int | None
    created_at: datetime
    tried_at: datetime | None


SELECT_UNSHARED = """
SELECT id, kind FROM outgoing_events WHERE is_shared = 0 ORDER BY id LIMIT %s
FOR UPDATE SKIP LOCKED
"""

NOTE_SHARED = "UPDATE outgoing_events SET is_shared = 1 WHERE id IN %s"

INSERT_DELIVERIES = """
INSERT INTO webhook_deliveries (webhook_id, event, state, due_at, created_at) VALUES """

OF_DELIVERY = "(%s,%s,'pending',NOW(6),NOW(6))"

COLUMNS = """
d.id, e.event_id, e.kind, d.state, d.tries, d.failures, d.due_at, d.status, d.error, d.took_ms,
d.created_at, d.tried_at
"""

FROM = "FROM webhook_deliveries d JOIN outgoing_events e ON e.id = d.event"

SELECT_PAGE = f"""
SELECT {COLUMNS} {FROM} WHERE d.webhook_id = %s AND d.id < %s ORDER BY d.id DESC LIMIT %s
"""

SELECT_ONE = f"SELECT {COLUMNS} {FROM} WHERE d.webhook_id = %s AND d.id = %s"

DELIVER_AGAIN = """
UPDATE webhook_deliveries SET state = 'pending', failures = 0, due_at = NOW(6)
WHERE webhook_id = %s AND id = %s
"""

DELETE_OLD_EVENTS = f"""
DELETE FROM outgoing_events WHERE at < NOW(6) - INTERVAL {KEPT_DAYS} DAY LIMIT %s
"""

DELETE_OLD = f"""
DELETE FROM webhook_deliveries WHERE created_at < NOW(6) - INTERVAL {KEPT_DAYS} DAY LIMIT %s
"""

DELETE_STRAYS = """
DELETE FROM webhook_deliveries
WHERE NOT EXISTS (SELECT 1 FROM webhooks w WHERE w.id = webhook_deliveries.webhook_id) LIMIT %s
"""


def share_events(cursor: Cursor, limit: int) -> int:
    """Make the deliveries of new events, at most `limit`; return how many events these are.

    Two schedulers may do it at the same time: each takes events that the other one has not.
    """
    cursor.execute(SELECT_UNSHARED, (limit,))
    events = cursor.fetchall()
    if not events:
        return 0
    webhooks = [webhook for webhook in read_webhooks(cursor) if webhook.enabled]
    rows = [
        (webhook.id, event)
        for event, kind in events
        for webhook in webhooks
        if _wants(webhook, kind)
    ]
    _insert(cursor, rows)
    cursor.execute(NOTE_SHARED, (tuple(event for event, _ in events),))
    return len(events)


def add_test(cursor: Cursor, webhook_id: int) -> int:
    """Record a test event that only this webhook is told of; return the id of its delivery."""
    record_event(cursor, EventKind.TEST, {"webhook_id": webhook_id})
    event = int(cursor.lastrowid)
    cursor.execute(NOTE_SHARED, ((event,),))
    _insert(cursor, [(webhook_id, event)])
    return int(cursor.lastrowid)


def read_deliveries(
    cursor: Cursor, webhook_id: int, *, before_id: int, limit: int
) -> list[WebhookDelivery]:
    """Read at most `limit` deliveries with ids under `before_id`, the newest first."""
    cursor.execute(SELECT_PAGE, (webhook_id, before_id, limit))
    return [_delivery(row) for row in cursor.fetchall()]


def read_delivery(cursor: Cursor, webhook_id: int, delivery_id: int) -> WebhookDelivery | None:
    """Read one delivery of a webhook; None where there is none, or none any more."""
    cursor.execute(SELECT_ONE, (webhook_id, delivery_id))
    row = cursor.fetchone()
    return None if row is None else _delivery(row)


def deliver_again(cursor: Cursor, webhook_id: int, delivery_id: int) -> None:
    """Have an event delivered once more, with all of the retries, under the same id."""
    cursor.execute(DELIVER_AGAIN, (webhook_id, delivery_id))


def delete_old_deliveries(cursor: Cursor, limit: int) -> int:
    """Delete what is too old, and deliveries of deleted webhooks; return how many rows went."""
    return sum(
        cursor.execute(statement, (limit,))
        for statement in (DELETE_OLD, DELETE_STRAYS, DELETE_OLD_EVENTS)
    )


def _wants(webhook: Webhook, kind: str) -> bool:
    return webhook.kinds is None or kind in webhook.kinds


def _insert(cursor: Cursor, rows: Iterable[tuple[int, int]]) -> None:
    listed = list(rows)
    if listed:
        values = ",".join([OF_DELIVERY] * len(listed))
        cursor.execute(INSERT_DELIVERIES + values, [value for row in listed for value in row])


def _delivery(row: tuple) -> WebhookDelivery:  # type: ignore[type-arg]
    id_, event_id, kind, state, *others = row
    return WebhookDelivery(id_, event_id, kind, DeliveryState(state), *others)
