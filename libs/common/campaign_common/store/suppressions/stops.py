"""Suppressions that a STOP of a person sets, and a START lifts again."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.suppressions.suppressions import (
    ACTOR_OF_ANSWERS,
    Suppression,
    note_additions,
    remove_suppression,
)

SOURCE = "inbound"
REASON = "stop"

AGAIN = "stop_again"
"""Reason of the change where a suppression was in force already."""

ACTOR = "inbound message"
"""Stands for the person who makes a change. It shows whose suppression one is: the source is a text
that clients and files may have, too."""

ROWS_AT_ONCE = 500
"""Suppressions of one statement."""

PUT = """
INSERT INTO suppressions (phone, scope, reason, source, since, until, note)
VALUES """

OF_STOP = "(%s, %s, %s, %s, NOW(6), NULL, %s)"

# A suppression that is in force keeps its reason and source, and has no end from now on. One that
# is over is replaced. Assignments are made from left to right: `until` is the last.
IF_THERE = """
ON DUPLICATE KEY UPDATE
  reason = IF(until <= NOW(6), VALUES(reason), reason),
  source = IF(until <= NOW(6), VALUES(source), source),
  since = IF(until <= NOW(6), VALUES(since), since),
  note = IF(until <= NOW(6), VALUES(note), note),
  until = NULL
"""

SELECT_SOURCES = """
SELECT phone, scope, source, reason, note FROM suppressions WHERE phone IN %s
"""

SELECT_IN_FORCE = """
SELECT 1 FROM suppressions WHERE phone = %s AND scope = %s AND (until IS NULL OR until > NOW(6))
FOR UPDATE
"""

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


def put_stops(cursor: Cursor, wanted: Mapping[tuple[str, str], int]) -> list[Suppression]:
    """Set the suppressions of STOPs, by number and scope with the ids of their messages.

    Their changes are made by `note_stops`, in any case: an import stores rows long before senders
    learn of them. Rows are locked in the order of their keys.
    """
    keys, stops = sorted(wanted), list[Suppression]()
    for start in range(0, len(keys), ROWS_AT_ONCE):
        part = [
            Suppression(phone, scope, REASON, SOURCE, note=_note(wanted[phone, scope]))
            for phone, scope in keys[start : start + ROWS_AT_ONCE]
        ]
        rows = [(one.phone, one.scope, one.reason, one.source, one.note) for one in part]
        statement = PUT + ",".join([OF_STOP] * len(part)) + IF_THERE
        cursor.execute(statement, [value for row in rows for value in row])
        cursor.execute(SELECT_SOURCES, (tuple({one.phone for one in part}),))
        there = {(phone, scope): found for phone, scope, *found in cursor.fetchall()}
        stops += [
            one
            if there[one.phone, one.scope] == [one.source, one.reason, one.note]
            else one._replace(reason=AGAIN)
            for one in part
        ]
    return stops


def note_stops(cursor: Cursor, stops: Sequence[Suppression]) -> None:
    """Note the changes, by which senders learn of them; comes last in its transaction."""
    note_additions(cursor, stops, ACTOR)


def note_stops_again(cursor: Cursor, wanted: Collection[tuple[str, str]]) -> None:
    """Note suppressions that are in force once more, by number and scope; comes last, too.

    The transaction that has set one may have been too slow for its change to be noticed.
    """
    note_stops(
        cursor,
        [
            Suppression(phone, scope, AGAIN, SOURCE)
            for phone, scope in sorted(wanted)
            if cursor.execute(SELECT_IN_FORCE, (phone, scope))
        ],
    )


def lock_suppressions(cursor: Cursor, phone: str, scopes: Collection[str]) -> None:
    """Wait for the transactions that set or lift a person's suppressions of some scopes."""
    cursor.execute(LOCK_OF_PERSON, (phone, tuple(scopes)))


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


def _note(inbound_id: int) -> str:
    return f"inbound message {inbound_id}"
