"""recipient_lists: what is known of an imported list, and its way from import to use."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pymysql.cursors import Cursor


class ListState(StrEnum):
    """Where a list stands. Only a ready one is sent to; a discarded one is being deleted."""

    IMPORTING = "importing"
    READY = "ready"
    DISCARDED = "discarded"


class ListTotals(NamedTuple):
    """How the data rows of a file ended; their sum is the number of data rows."""

    accepted: int
    duplicates: int
    rejected: int


class RecipientList(NamedTuple):
    """A list as others read it; `last_seq` is the highest number a row may have."""

    id: int
    state: ListState
    sha256: str | None
    attribute_columns: tuple[str, ...]
    totals: ListTotals
    last_seq: int


INSERT_LIST = """
INSERT INTO recipient_lists (name, state, created_at, progressed_at)
VALUES (%s, 'importing', NOW(6), NOW(6))
"""

TOUCH_LIST = """
UPDATE recipient_lists SET progressed_at = NOW(6) WHERE id = %s AND state = 'importing'
"""

SELECT_LIST_FOR_UPDATE = "SELECT state FROM recipient_lists WHERE id = %s FOR UPDATE"

COMPLETE_LIST = """
UPDATE recipient_lists SET state = 'ready', sha256 = %s, attribute_columns = %s, accepted = %s,
  duplicates = %s, rejected = %s, last_seq = %s, progressed_at = NOW(6)
WHERE id = %s
"""

SELECT_LIST = """
SELECT id, state, sha256, attribute_columns, accepted, duplicates, rejected, last_seq
FROM recipient_lists WHERE id = %s
"""

DISCARD_LIST = """
UPDATE recipient_lists SET state = 'discarded'
WHERE id = %s AND NOT EXISTS (SELECT 1 FROM campaigns WHERE list_id = recipient_lists.id)
"""

# An import that died left its list `importing`; nobody has moved it for a while.
DISCARD_ABANDONED = """
UPDATE recipient_lists SET state = 'discarded'
WHERE state = 'importing' AND progressed_at < NOW(6) - INTERVAL %s SECOND
"""

SELECT_DISCARDED = "SELECT id FROM recipient_lists WHERE state = 'discarded' LIMIT %s"

DELETE_LIST = "DELETE FROM recipient_lists WHERE id = %s AND state = 'discarded'"


def begin_list(cursor: Cursor, name: str) -> int:
    """Create an empty list that is being imported; returns its id."""
    cursor.execute(INSERT_LIST, (name,))
    return int(cursor.lastrowid)


def touch_list(cursor: Cursor, list_id: int) -> bool:
    """Note that the import moved; False when the list has been given up meanwhile."""
    return cursor.execute(TOUCH_LIST, (list_id,)) == 1


def complete_list(cursor: Cursor, finished: RecipientList) -> bool:
    """Make an imported list ready; False when it has been given up meanwhile."""
    cursor.execute(SELECT_LIST_FOR_UPDATE, (finished.id,))
    row = cursor.fetchone()
    if row is None or row[0] == ListState.DISCARDED:
        return False
    columns = json.dumps(finished.attribute_columns, ensure_ascii=False)
    values = (finished.sha256, columns, *finished.totals, finished.last_seq, finished.id)
    cursor.execute(COMPLETE_LIST, values)
    return True


def read_list(cursor: Cursor, list_id: int) -> RecipientList | None:
    """Read a list, or None when there is none of that id."""
    cursor.execute(SELECT_LIST, (list_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, state, sha256, columns, accepted, duplicates, rejected, last_seq = row
    return RecipientList(
        id=id_,
        state=ListState(state),
        sha256=sha256,
        attribute_columns=tuple(json.loads(columns or "[]")),
        totals=ListTotals(accepted, duplicates, rejected),
        last_seq=last_seq,
    )


def discard_list(cursor: Cursor, list_id: int) -> None:
    """Give a list up unless a campaign uses it; the sweep deletes its rows."""
    cursor.execute(DISCARD_LIST, (list_id,))


def discard_abandoned(cursor: Cursor, idle_seconds: int) -> int:
    """Give up every import that has not moved for `idle_seconds`; returns how many."""
    return cursor.execute(DISCARD_ABANDONED, (idle_seconds,))


def read_discarded(cursor: Cursor, limit: int) -> Sequence[int]:
    """Name at most `limit` lists whose rows are to be deleted."""
    cursor.execute(SELECT_DISCARDED, (limit,))
    return [row[0] for row in cursor.fetchall()]


def delete_list(cursor: Cursor, list_id: int) -> None:
    """Delete a discarded list whose rows are gone."""
    cursor.execute(DELETE_LIST, (list_id,))
