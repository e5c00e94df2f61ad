"""suppressions and suppression_changes: adding, removing and reading what people do not want."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.events.event_kind import EventKind
from campaign_common.domain.suppressions.change_log_position import MARGIN
from campaign_common.errors import DatabaseTimeout
from campaign_common.runtime.boot_time import boot_time
from campaign_common.store.core.outgoing_events import record_events

ACTOR_OF_ANSWERS = "sender"
"""Stands for the person who makes a change after the answer of a provider."""

LONGEST_REASON = 32
LONGEST_SOURCE = 64
LONGEST_NOTE = 255
"""Characters that the columns hold."""


class Suppression(NamedTuple):
    """A person who does not want the messages of a scope; times are UTC, naive.

    `since` None: from now on; `until` None: without end.
    """

    phone: str
    scope: str
    reason: str
    source: str
    since: datetime | None = None
    until: datetime | None = None
    note: str | None = None


COLUMNS = "phone, scope, reason, source, since, until, note"

_VALUES = "(%s, %s, %s, %s, COALESCE(CAST(%s AS DATETIME(6)), NOW(6)), %s, %s)"

# What a person decides replaces what was there; the wish is as old as it ever was.
PUT = f"""
INSERT INTO suppressions ({COLUMNS}) VALUES {_VALUES}
ON DUPLICATE KEY UPDATE reason = VALUES(reason), source = VALUES(source),
  since = LEAST(since, VALUES(since)), until = VALUES(until), note = VALUES(note)
"""

# What comes by itself, or in a file, never shortens or replaces a suppression.
NEVER_SHORTEN = """
ON DUPLICATE KEY UPDATE
  until = IF(until IS NULL OR VALUES(until) IS NULL, NULL, GREATEST(until, VALUES(until)))
"""

EXTEND = f"INSERT INTO suppressions ({COLUMNS}) VALUES %s {NEVER_SHORTEN}"

NOTE_CHANGES = """
INSERT INTO suppression_changes (phone, scope, is_added, reason, until, actor, changed_at)
VALUES """

OF_CHANGE = "(%s, %s, %s, %s, %s, %s, NOW(6))"

CHANGES_AT_ONCE = 500
"""Changes of one statement."""

SELECT_UNTIL = "SELECT until FROM suppressions WHERE phone = %s AND scope = %s"

DELETE = "DELETE FROM suppressions WHERE phone = %s AND scope = %s"

SELECT_OF_PERSON = f"SELECT {COLUMNS} FROM suppressions WHERE phone = %s ORDER BY scope"

SELECT_CHANGES = """
SELECT id, scope, is_added, reason, until, actor, changed_at FROM suppression_changes
WHERE phone = %s ORDER BY id
"""


# The row stays: senders follow the ids, and read the numbers of young rows alone.
BLANK_CHANGES = """
UPDATE suppression_changes SET phone = ''
WHERE phone = %s AND changed_at < NOW(6) - INTERVAL %s SECOND
"""

SELECT_CHANGED = "SELECT 1 FROM suppression_changes WHERE phone = %s LIMIT 1"


class SuppressionChange(NamedTuple):
    """One change of a person's suppressions; times are UTC, naive.

    `until`: the end that an added suppression was given; None: without end, or removed.
    """

    id: int
    scope: str
    is_added: bool
    reason: str | None
    until: datetime | None
    actor: str
    changed_at: datetime


def put_suppression(cursor: Cursor, suppression: Suppression, actor: str) -> None:
    """Add a suppression, or replace what is said of it; the change comes last."""
    cursor.execute(PUT, suppression)
    note_additions(cursor, [suppression], actor)


def ends_earlier(cursor: Cursor, suppression: Suppression) -> bool:
    """Return whether the person's suppression of this scope lasts longer than this one.

    Adds it where there is none, and locks its row: the result holds until the transaction ends.
    """
    if suppression.until is None:
        return False
    cursor.execute(EXTEND % _VALUES, suppression)
    cursor.execute(SELECT_UNTIL, (suppression.phone, suppression.scope))
    (until,) = cursor.fetchone()  # type: ignore[misc]
    return until is None or until > suppression.until


def add_suppressions(
    cursor: Cursor,
    suppressions: Sequence[Suppression],
    actor: str,
    before: Suppression | None = None,
) -> None:
    """Add suppressions that no person has entered; those that exist never get shorter.

    Their changes are made in any case: an import stores rows long before senders learn of them.
    The rows are locked in the order of their keys, with that of the one before which they are
    added: it is added, too, and its change is left to the caller, who puts it.
    """
    added = suppressions if before is None else [*suppressions, before]
    for one in sorted(added, key=lambda one: (one.phone, one.scope)):
        cursor.execute(EXTEND % _VALUES, one)
    note_additions(cursor, suppressions, actor)


def remove_suppression(cursor: Cursor, phone: str, scope: str, actor: str) -> bool:
    """Remove a suppression; return whether there was one."""
    if not cursor.execute(DELETE, (phone, scope)):
        return False
    note_removal(cursor, phone, scope, actor)
    return True


def note_removal(cursor: Cursor, phone: str, scope: str, actor: str) -> None:
    """Note that a suppression was removed."""
    cursor.execute(NOTE_CHANGES + OF_CHANGE, (phone, scope, 0, None, None, actor))


def suppressions_of(cursor: Cursor, phone: str) -> list[Suppression]:
    """Return all suppressions of a person, also those that are over."""
    cursor.execute(SELECT_OF_PERSON, (phone,))
    return [Suppression(*row) for row in cursor.fetchall()]


def changes_of(cursor: Cursor, phone: str) -> list[SuppressionChange]:
    """Return the changes of a person's suppressions, the oldest first."""
    cursor.execute(SELECT_CHANGES, (phone,))
    return [
        SuppressionChange(id_, scope, bool(is_added), *others)
        for id_, scope, is_added, *others in cursor.fetchall()
    ]


def blank_changes(cursor: Cursor, phone: str, longest: float) -> bool:
    """Take a person's number from the changes that no sender needs; return whether none has it.

    Senders need those of the last `longest` seconds, the longest transaction.
    """
    cursor.execute(BLANK_CHANGES, (phone, longest))
    return not cursor.execute(SELECT_CHANGED, (phone,))


def require_in_reach(began: float, longest: float) -> None:
    """Require that senders see the change of a transaction that began at a boot time, in seconds.

    Raises:
        DatabaseTimeout: it took longer than `longest` seconds. Its change may be older than what
            senders look at again: it must be made once more.
    """
    if boot_time() - began >= longest - MARGIN / 2:
        raise DatabaseTimeout("a change of suppressions took too long to be noticed")


def note_additions(cursor: Cursor, suppressions: Sequence[Suppression], actor: str) -> None:
    """Note that suppressions were added, by which senders learn of them; comes last.

    Webhooks are told of their number, by scope and reason.
    """
    kinds = Counter((one.scope, one.reason) for one in suppressions)
    record_events(
        cursor,
        EventKind.SUPPRESSION_ADDED,
        [{"scope": scope, "reason": reason, "added": n} for (scope, reason), n in kinds.items()],
    )
    for start in range(0, len(suppressions), CHANGES_AT_ONCE):
        part = suppressions[start : start + CHANGES_AT_ONCE]
        columns = [(one.phone, one.scope, 1, one.reason, one.until, actor) for one in part]
        statement = NOTE_CHANGES + ",".join([OF_CHANGE] * len(part))
        cursor.execute(statement, [value for row in columns for value in row])
