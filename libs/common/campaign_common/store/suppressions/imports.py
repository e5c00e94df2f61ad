"""suppressions: rows of a file; suppression_imports and suppression_state: its begin and end."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.suppressions.suppressions import EXTEND, Suppression

TAIL = "%s, %s, %s, COALESCE(CAST(%s AS DATETIME(6)), NOW(6)), %s, %s"

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

END_ABANDONED = """
UPDATE suppression_imports SET ended_at = NOW(6)
WHERE ended_at IS NULL AND progress_at < NOW(6) - INTERVAL %s SECOND
"""


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
    cursor: Cursor, rows: Sequence[Suppression], progress: ImportProgress
) -> None:
    """Add suppressions whose numbers are digits; those that exist never get shorter.

    The rows are locked in the order of their keys, the import last. May be repeated.
    """
    tails: dict[tuple[object, ...], str] = {}
    values = []
    for row in sorted(rows, key=_key):
        others = row[1:]
        tail = tails.get(others)
        if tail is None:  # most rows of a file differ by the number alone
            tail = tails[others] = cursor.mogrify(TAIL, others)
        values.append(f"('{row.phone}', {tail})")
    cursor.execute(EXTEND.replace("%s", ", ".join(values), 1))
    cursor.execute(NOTE_PROGRESS, progress)


def end_import(cursor: Cursor, progress: ImportProgress) -> None:
    """Note that an import is over, and have senders look up what they hold."""
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


def _key(row: Suppression) -> tuple[str, str]:
    return row.phone, row.scope
