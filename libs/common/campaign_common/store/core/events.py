"""campaign_events: who changed which campaign's state when, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.events.event_kind import EventKind, kind_of_change
from campaign_common.store.core.outgoing_events import record_event


class EventRow(NamedTuple):
    """One change of a campaign, at a time (UTC, naive); `id` rises with every event.

    `from_state` is None where it was made, `to_state` where it was deleted.
    """

    id: int
    at: datetime
    actor: str
    from_state: str | None
    to_state: str | None
    reason: str | None


INSERT_EVENT = """
INSERT INTO campaign_events (campaign_id, at, actor, from_state, to_state, reason)
VALUES (%s, NOW(6), %s, %s, %s, %s)
"""

SELECT_EVENTS = """
SELECT id, at, actor, from_state, to_state, reason FROM campaign_events
WHERE campaign_id = %s AND id > %s ORDER BY id LIMIT %s
"""

SELECT_BEFORE_LAST_RUN = """
SELECT from_state FROM campaign_events WHERE campaign_id = %s AND to_state = 'running'
ORDER BY id DESC LIMIT 1
"""

SELECT_PAUSE = """
SELECT id, at, actor, from_state, to_state, reason FROM campaign_events
WHERE campaign_id = %s AND from_state = 'running' AND to_state = 'paused'
ORDER BY id DESC LIMIT 1
"""

SELECT_LAST = "SELECT COALESCE(MAX(id), 0) FROM campaign_events WHERE campaign_id = %s"


def append_event(
    cursor: Cursor,
    campaign_id: CampaignId,
    actor: str,
    *,
    from_state: str | None,
    to_state: str | None,
    reason: str | None = None,
    balance: Mapping[str, int] | None = None,
) -> None:
    """Append one event to a campaign's history, and record a change of state for the webhooks.

    `balance`: the messages by status, where it is known.
    """
    cursor.execute(INSERT_EVENT, (campaign_id, actor, from_state, to_state, reason))
    kind = kind_of_change(from_state, to_state)
    if kind is not None:
        record_campaign_event(
            cursor, kind, campaign_id, {"from": from_state, "to": to_state}, balance
        )


def record_campaign_event(
    cursor: Cursor,
    kind: EventKind,
    campaign_id: CampaignId,
    states: Mapping[str, str | None],
    balance: Mapping[str, int] | None = None,
) -> None:
    """Record an event of a campaign for the webhooks."""
    path = f"/v1/campaigns/{campaign_id}"
    links = {"campaign": path, "progress": f"{path}/progress", "events": f"{path}/events"}
    known = {} if balance is None else {"balance": dict(balance)}
    record_event(cursor, kind, {"campaign_id": campaign_id, **states, **known, "links": links})


def read_events(
    cursor: Cursor, campaign_id: CampaignId, *, after_id: int, limit: int
) -> list[EventRow]:
    """Read up to `limit` events of a campaign that follow `after_id`, the oldest first."""
    cursor.execute(SELECT_EVENTS, (campaign_id, after_id, limit))
    return [EventRow(*row) for row in cursor.fetchall()]


def state_before_last_run(cursor: Cursor, campaign_id: CampaignId) -> str | None:
    """Return the state that a campaign left when it last went to running; None: it never did."""
    cursor.execute(SELECT_BEFORE_LAST_RUN, (campaign_id,))
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def last_pause(cursor: Cursor, campaign_id: CampaignId) -> EventRow | None:
    """Read the event by which a campaign was last paused; None: it never was."""
    cursor.execute(SELECT_PAUSE, (campaign_id,))
    row = cursor.fetchone()
    return None if row is None else EventRow(*row)


def last_event_id(cursor: Cursor, campaign_id: CampaignId) -> int:
    """Return the id of a campaign's newest event, 0 where it has none."""
    cursor.execute(SELECT_LAST, (campaign_id,))
    ((found,),) = cursor.fetchall()
    return int(found)
