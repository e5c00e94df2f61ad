"""suppressions: rows of a file; suppression_imports and suppression_state: its begin and end."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.events.event_kind import EventKind
from campaign_common.store.core.outgoing_events import record_event
from campaign_common.store.suppressions.suppressions import COLUMNS, EXTEND, NEVER_SHORTEN

# Most rows of a file differ by the number alone. As a document of these numbers they take MySQL
# half of the time of a list of rows, each of whose values is parsed and becomes an item.
EXTEND_ALIKE = f"""
INSERT INTO suppressions ({COLUMNS})
SELECT numbers.phone, {{wish}} FROM JSON_TABLE('["{{phones}}"]', '$[*]'
  COLUMNS (phone VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin PATH '$')) numbers
{NEVER_SHORTEN}
"""

STATED = "%s,%s,%s,%s,%s,%s"

# An expression that finds the time where it is missing takes a quarter of the time of a row.
SINCE_NOW = "%s,%s,%s,NOW(6),%s,%s"

RAISE_NUMBER = "UPDATE suppression_state SET imports = imports + 1"

BEGIN = """
INSERT INTO suppression_imports (actor, source, accepted, rejected, progress_at)
VALUES (%s, %s, 0, 0, NOW(6))
"""

NOTE_PROGRESS = """
UPDATE suppression_imports
SET accepted = %s, rejected = %s, progress_at = NOW(6), ended_at = NULL WHERE id = %s
"""

END = """
UPDATE suppression_imports
SET accepted = %s, rejected = %s, progress_at = NOW(6), ended_at = NOW(6) WHERE id = %s
"""

LOCK_UNENDED = """
SELECT 1 FROM suppression_imports WHERE id = %s AND ended_at IS NULL FOR UPDATE
"""

END_ABANDONED = """
UPDATE suppression_imports SET ended_at = NOW(6)
WHERE ended_at IS NULL AND progress_at < NOW(6) - INTERVAL %s SECOND
"""


class Wish(NamedTuple):
    """A suppression as a row of a file states it, without its number; times are UTC, naive.

    `since` None: from now on; `until` None: without end.
    """

    scope: str
    reason: str
    source: str
    since: datetime | None = None
    until: datetime | None = None
    note: str | None = None


class ImportProgress(NamedTuple):
    """The rows of an import that were read."""

    accepted: int
    rejected: int
    import_id: int


def begin_import(cursor: Cursor, actor: str, source: str) -> int:
    """Note that an import begins; return its id.

    Repeated after a lost answer it leaves one that never goes on, which is ended as abandoned.
    """
    cursor.execute(BEGIN, (actor, source))
    return int(cursor.lastrowid)


def import_suppressions(
    cursor: Cursor, rows: Mapping[Wish, Sequence[str]], progress: ImportProgress
) -> None:
    """Add suppressions, the numbers of each wish; those that exist never get shorter.

    The rows are locked in the order of their keys, the import last. May be repeated.

    Raises:
        ValueError: a number is not ASCII digits alone.
    """
    digits = "".join(map("".join, rows.values()))
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("a number that is to be imported is not ASCII digits alone")
    cursor.execute(_statement(cursor, rows))  # digits need no escaping
    cursor.execute(NOTE_PROGRESS, progress)


def end_import(cursor: Cursor, progress: ImportProgress) -> None:
    """Note that an import is over, and have senders look up what they hold.

    Webhooks are told of the import once, and not of its rows.
    """
    if cursor.execute(LOCK_UNENDED, (progress.import_id,)):  # else its answer was lost
        _record_end(cursor, progress)
    cursor.execute(END, progress)
    cursor.execute(RAISE_NUMBER)


def end_abandoned_imports(cursor: Cursor, idle_seconds: float) -> int:
    """End imports that made no progress for as long, as `end_import` does; return their number.

    One that is only slow goes on, and ends once more.
    """
    ended = cursor.execute(END_ABANDONED, (idle_seconds,))
    if ended:
        cursor.execute(RAISE_NUMBER)
    return ended


def _statement(cursor: Cursor, rows: Mapping[Wish, Sequence[str]]) -> str:
    """Return a statement that inserts the rows in the order of their keys."""
    if len(rows) == 1:
        ((wish, phones),) = rows.items()
        return EXTEND_ALIKE.format(wish=_tail(cursor, wish), phones='","'.join(sorted(phones)))
    ordered = sorted(
        (phone, wish.scope, tail)
        for wish, phones in rows.items()
        for tail in (_tail(cursor, wish),)
        for phone in phones
    )
    values = ",".join(f"('{phone}',{tail})" for phone, _, tail in ordered)
    return EXTEND.replace("%s", values, 1)


def _tail(cursor: Cursor, wish: Wish) -> str:
    if wish.since is None:
        return str(cursor.mogrify(SINCE_NOW, (*wish[:3], *wish[4:])))
    return str(cursor.mogrify(STATED, wish))


def _record_end(cursor: Cursor, progress: ImportProgress) -> None:
    data = {"added": progress.accepted, "rejected": progress.rejected}
    record_event(cursor, EventKind.SUPPRESSION_ADDED, {"import_id": progress.import_id, **data})
