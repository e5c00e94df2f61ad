"""suppressions: rows of a file; suppression_state and suppression_imports: its end."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.suppressions.suppressions import EXTEND, Suppression

TAIL = "%s, %s, %s, COALESCE(CAST(%s AS DATETIME(6)), NOW(6)), %s, %s"

RAISE_NUMBER = "UPDATE suppression_state SET imports = imports + 1"

INSERT_IMPORT = """
INSERT INTO suppression_imports (actor, source, accepted, rejected, ended_at)
VALUES (%s, %s, %s, %s, NOW(6))
"""


class ImportEnd(NamedTuple):
    """An import of suppressions that is over."""

    actor: str
    source: str
    accepted: int
    rejected: int


def import_suppressions(cursor: Cursor, rows: Sequence[Suppression]) -> None:
    """Add suppressions whose numbers are digits; those that exist never get shorter.

    The rows are locked in the order of their keys. May be repeated.
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


def end_import(cursor: Cursor, ended: ImportEnd) -> None:
    """Note that an import is over, and have senders look up what they hold."""
    cursor.execute(RAISE_NUMBER)
    cursor.execute(INSERT_IMPORT, ended)


def _key(row: Suppression) -> tuple[str, str]:
    return row.phone, row.scope
