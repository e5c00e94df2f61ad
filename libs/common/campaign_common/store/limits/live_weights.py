"""route_weights: weights of the providers of routes that people set while services run.

Their changes are events of the route in provider_events: routes and providers share their names.
"""

import json
from collections.abc import Sequence

import structlog
from pymysql.cursors import Cursor

from campaign_common.domain.routing.route_choice import (
    RouteChoice,
    UnreadableWeights,
    choices_as_json,
    choices_of_json,
)
from campaign_common.domain.routing.routes import LiveWeights, Routes
from campaign_common.store.limits.live_limits import append_provider_event

WEIGHTS_CHANGED = "weights"
"""Kind of the event of changed weights."""

SELECT_ALL = "SELECT route, choices FROM route_weights WHERE choices IS NOT NULL"

SELECT_ONE = f"{SELECT_ALL} AND route = %s"

# A transaction that inserts the row, or finds it, is the only one until its end.
LOCK = """
INSERT INTO route_weights (route) VALUES (%s) ON DUPLICATE KEY UPDATE route = VALUES(route)
"""

WERE_SET = "SELECT changed_at IS NOT NULL FROM route_weights WHERE route = %s"

UPDATE = """
UPDATE route_weights SET choices = %s, changed_at = NOW(6), changed_by = %s WHERE route = %s
"""

log = structlog.get_logger(__name__)


def follow_live_weights(cursor: Cursor, routes: Routes) -> None:
    """Have `routes` choose by the weights that hold now; costs nothing where there are none."""
    if not routes:
        return
    for route in routes.set_live(read_all_live_choices(cursor)):
        log.error("live weights cannot be read, those of before hold", route=route)


def read_all_live_choices(cursor: Cursor) -> LiveWeights:
    """Read the live choices of all routes that have some."""
    cursor.execute(SELECT_ALL)
    return _fetched(cursor)


def read_live_choices(cursor: Cursor, route: str) -> LiveWeights:
    """Read the live choices of a route; without any, the configured ones hold."""
    cursor.execute(SELECT_ONE, (route,))
    return _fetched(cursor)


def lock_live_choices(cursor: Cursor, route: str) -> None:
    """Let no other transaction change the live choices of a route until this one ends."""
    cursor.execute(LOCK, (route,))


def were_choices_set(cursor: Cursor, route: str) -> bool:
    """Return whether live choices of a route were ever set, also if they were deleted since."""
    if not route.isascii():  # as no name is; the server would refuse to compare it
        return False
    cursor.execute(WERE_SET, (route,))
    return any(was_set for (was_set,) in cursor.fetchall())


def set_live_choices(
    cursor: Cursor, route: str, choices: Sequence[RouteChoice] | None, actor: str
) -> None:
    """Set the live choices of a locked route, with an event; None: the configured ones hold."""
    values = None if choices is None else choices_as_json(choices)
    append_provider_event(cursor, route, actor, WEIGHTS_CHANGED, {"choices": values})
    stored = None if values is None else json.dumps(values)
    cursor.execute(UPDATE, (stored, actor, route))


def _fetched(cursor: Cursor) -> LiveWeights:
    return {route: _choices(stored) for route, stored in cursor.fetchall()}


def _choices(stored: str) -> tuple[RouteChoice, ...] | None:
    try:
        return choices_of_json(json.loads(stored))
    except UnreadableWeights:
        return None
