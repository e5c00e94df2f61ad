"""recipient_rejects: the data rows of a list's file that were not accepted."""

from collections.abc import Sequence
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.recipient import ListId


class Reject(NamedTuple):
    """A data row that was not accepted: the line it begins at, why, and its text."""

    line: int
    reason: str
    raw_text: str


INSERT_REJECT = (
    "INSERT IGNORE INTO recipient_rejects (list_id, line, reason, raw_text) VALUES (%s, %s, %s, %s)"
)

SELECT_REJECTS = """
SELECT line, reason, raw_text FROM recipient_rejects
WHERE list_id = %s AND line > %s ORDER BY line LIMIT %s
"""

DELETE_REJECTS = "DELETE FROM recipient_rejects WHERE list_id = %s LIMIT %s"


def insert_rejects(cursor: Cursor, list_id: ListId, rejects: Sequence[Reject]) -> None:
    """Insert rejected rows; may be repeated when it is unknown whether it was committed."""
    if rejects:
        cursor.executemany(INSERT_REJECT, [(list_id, *reject) for reject in rejects])


def read_rejects(cursor: Cursor, list_id: ListId, *, after_line: int, limit: int) -> list[Reject]:
    """Read at most `limit` rejects of a list that follow `after_line`, in the file's order."""
    cursor.execute(SELECT_REJECTS, (list_id, after_line, limit))
    return [Reject(*row) for row in cursor.fetchall()]


def delete_some_rejects(cursor: Cursor, list_id: ListId, limit: int) -> int:
    """Delete at most `limit` rejects of a list; returns how many went."""
    return cursor.execute(DELETE_REJECTS, (list_id, limit))
