"""webhook_deliveries that are due: taking them under the lease of their webhook, and their end.

A webhook has one lease, so that one scheduler at a time posts to it, one event after the other.
"""

from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.api_key import LONGEST_NAME
from campaign_common.domain.events.delivery_retries import (
    GONE,
    DeliveryState,
    is_delivered,
    retry_delay,
)
from campaign_common.store.webhooks.webhooks import Webhook, disable_webhook, read_webhook

LEASE = 40
"""Seconds for which a scheduler that is lost keeps its webhooks from others; more than a try."""


class DueDelivery(NamedTuple):
    """An event that is to be posted now; `at`: the time at which it happened, UTC, naive."""

    id: int
    webhook: Webhook
    event_id: str
    kind: str
    data: str
    at: datetime
    failures: int


class DeliveryResult(NamedTuple):
    """Result of a try: the status of the answer, or the reason why there is none."""

    status: int | None
    error: str | None
    seconds: float


SELECT_DUE = """
SELECT w.id FROM webhooks w
WHERE w.enabled = 1 AND (w.lease_until IS NULL OR w.lease_until <= NOW(6))
AND EXISTS (SELECT 1 FROM webhook_deliveries d
            WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.due_at <= NOW(6))
"""

TAKE_LEASE = f"""
UPDATE webhooks SET lease_owner = %s, lease_until = NOW(6) + INTERVAL {LEASE} SECOND
WHERE id = %s AND enabled = 1
AND (lease_until IS NULL OR lease_until <= NOW(6) OR lease_owner = %s)
"""

RELEASE = "UPDATE webhooks SET lease_until = NULL WHERE id = %s AND lease_owner = %s"

SELECT_NEXT = """
SELECT d.id, e.event_id, e.kind, e.data, e.at, d.failures
FROM webhook_deliveries d JOIN outgoing_events e ON e.id = d.event
WHERE d.webhook_id = %s AND d.state = 'pending' AND d.due_at <= NOW(6)
ORDER BY d.due_at, d.id LIMIT 1
"""

END_TRY = """
UPDATE webhook_deliveries SET state = %s, failures = %s, tries = tries + 1,
  due_at = NOW(6) + INTERVAL %s SECOND, status = %s, error = %s, took_ms = %s, tried_at = NOW(6)
WHERE id = %s AND state = 'pending'
"""

GONE_REASON = "gone"
"""Reason of a webhook that is disabled because its receiver answered 410."""


def webhooks_with_due(cursor: Cursor) -> list[int]:
    """Return the webhooks that have something due and that no scheduler has leased."""
    cursor.execute(SELECT_DUE)
    return [webhook_id for (webhook_id,) in cursor.fetchall()]


def take_next(cursor: Cursor, webhook_id: int, owner: str) -> DueDelivery | None:
    """Lease a webhook, or extend its lease, and read what is due next.

    None: nothing is, another scheduler has the webhook, or it is disabled.
    """
    if not cursor.execute(TAKE_LEASE, (owner, webhook_id, owner)):
        return None
    webhook = read_webhook(cursor, webhook_id)
    cursor.execute(SELECT_NEXT, (webhook_id,))
    row = cursor.fetchone()
    if row is None or webhook is None:
        return None
    id_, event_id, kind, data, at, failures = row
    return DueDelivery(id_, webhook, event_id, kind, data, at, failures)


def release_webhook(cursor: Cursor, webhook_id: int, owner: str) -> None:
    """Release a webhook, so that another scheduler need not wait for the end of the lease."""
    cursor.execute(RELEASE, (webhook_id, owner))


def end_try(
    cursor: Cursor, delivery: DueDelivery, result: DeliveryResult, owner: str
) -> DeliveryState:
    """Note a try of a scheduler, and when the next one is due; a 410 disables the webhook."""
    state, failures, delay = DeliveryState.DELIVERED, delivery.failures, None
    if not is_delivered(result.status):
        failures += 1
        delay = None if result.status == GONE else retry_delay(failures)
        state = DeliveryState.GIVEN_UP if delay is None else DeliveryState.PENDING
    if result.status == GONE:
        disable_webhook(cursor, delivery.webhook.id, GONE_REASON, owner[:LONGEST_NAME])
    took_ms = round(result.seconds * 1000)
    values = (state.value, failures, delay, result.status, result.error, took_ms)
    cursor.execute(END_TRY, (*values, delivery.id))
    return state
