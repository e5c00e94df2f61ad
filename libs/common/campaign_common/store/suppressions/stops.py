"""Suppressions that a STOP of a person sets, and a START lifts again."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.suppressions.suppressions import (
    ACTOR_OF_ANSWERS,
    Suppression,
    note_addition,
    remove_suppression,
)

SOURCE = "inbound"
REASON = "stop"

AGAIN = "stop_again"
"""Reason of the change where a suppression was in force already."""

ACTOR = "inbound message"
"""Stands for the person who makes a change. It shows whose suppression one is: the source is a text
that clients and files may have, too."""

# A suppression that is in force keeps its reason and source, and has no end from now on. One that
# is over is replaced. Assignments are made from left to right: `until` is the last.
PUT = """
INSERT INTO suppressions (phone, scope, reason, source, since, until, note)
VALUES (%s, %s, %s, %s, NOW(6), NULL, %s)
ON DUPLICATE KEY UPDATE
  reason = IF(until <= NOW(6), VALUES(reason), reason),
  source = IF(until <= NOW(6), VALUES(source), source),
  since = IF(until <= NOW(6), VALUES(since), since),
  note = IF(until <= NOW(6), VALUES(note), note),
  until = NULL
"""

SELECT_SOURCE = "SELECT source, reason, note FROM suppressions WHERE phone = %s AND scope = %s"

LOCK_OF_PERSON = """
SELECT scope, source, until IS NULL OR until > NOW(6) FROM suppressions
WHERE phone = %s AND scope IN %s ORDER BY scope FOR UPDATE
"""

# Answers of providers leave the source of a suppression as it is.
SELECT_CHANGES = """
SELECT scope, is_added, actor FROM suppression_changes
WHERE phone = %s AND scope IN %s AND actor <> %s AND COALESCE(reason, '') <> %s ORDER BY id
"""


class Lifted(NamedTuple):
    """Effect of a START: the scopes that it has lifted, and whether another one is in force."""

    scopes: Sequence[str]
    is_still_suppressed: bool


def put_stop(cursor: Cursor, phone: str, scope: str, inbound_id: int) -> Suppression:
    """Set the suppression of a STOP, without its change, which `note_stop` makes.

    The change is made in any case: an import stores rows long before senders learn of them.
    """
    stop = Suppression(phone, scope, REASON, SOURCE, note=f"inbound message {inbound_id}")
    cursor.execute(PUT, (phone, scope, stop.reason, stop.source, stop.note))
    cursor.execute(SELECT_SOURCE, (phone, scope))
    is_set = cursor.fetchone() == (stop.source, stop.reason, stop.note)
    return stop if is_set else stop._replace(reason=AGAIN)


def note_stop(cursor: Cursor, stop: Suppression) -> None:
    """Note the change, by which senders learn of it; comes last in its transaction."""
    note_addition(cursor, stop, ACTOR)


def lift_stops(cursor: Cursor, phone: str, scopes: Collection[str]) -> Lifted:
    """Remove those of a person's suppressions that a STOP has set, and no others."""
    cursor.execute(LOCK_OF_PERSON, (phone, tuple(scopes)))
    rows = cursor.fetchall()
    stopped = {scope for scope, source, _ in rows if source == SOURCE}
    stopped &= _last_set_by_stop(cursor, phone, stopped)
    for scope in sorted(stopped):
        remove_suppression(cursor, phone, scope, ACTOR)
    stays = any(is_in_force and scope not in stopped for scope, _, is_in_force in rows)
    return Lifted(sorted(stopped), stays)


def _last_set_by_stop(cursor: Cursor, phone: str, scopes: Collection[str]) -> set[str]:
    """Return the scopes whose last change was a STOP; an erasure takes the number from changes."""
    if not scopes:
        return set()
    cursor.execute(SELECT_CHANGES, (phone, tuple(scopes), ACTOR_OF_ANSWERS, AGAIN))
    last = {scope: (bool(is_added), actor) for scope, is_added, actor in cursor.fetchall()}
    return {scope for scope, change in last.items() if change == (True, ACTOR)}
