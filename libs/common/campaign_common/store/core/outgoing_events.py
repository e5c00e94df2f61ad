"""outgoing_events: what webhooks are told of, written in the transaction in which it happens."""

import json
from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import Any

from pymysql.cursors import Cursor

from campaign_common.domain.events.event_kind import EventKind

EventData = Mapping[str, Any]
"""Values that JSON can hold: ids, numbers and links, and nothing of a person."""

ROWS_AT_ONCE = 500

INSERT = "INSERT INTO outgoing_events (event_id, kind, data, at) VALUES "

VALUES = "(%s,%s,%s,NOW(6))"


def record_event(cursor: Cursor, kind: EventKind, data: EventData) -> None:
    """Record one event for the webhooks; it is there if the transaction is committed."""
    record_events(cursor, kind, [data])


def record_events(cursor: Cursor, kind: EventKind, each: Iterable[EventData]) -> None:
    """Record events of one kind, in as few statements as they fit in."""
    rows = [(_new_id(), kind.value, json.dumps(data)) for data in each]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        cursor.execute(
            INSERT + ",".join([VALUES] * len(part)), [value for row in part for value in row]
        )


def _new_id() -> str:
    """Return an id that stays the same over all tries to deliver an event."""
    return f"evt_{token_hex(16)}"
