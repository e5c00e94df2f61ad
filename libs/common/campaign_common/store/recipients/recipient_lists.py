"""recipient_lists: what is known of an imported list, and its way from import to use."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import OVER, CampaignId
from campaign_common.domain.events.event_kind import EventKind
from campaign_common.domain.recipient import NAME, PHONE, ListId
from campaign_common.store.core.outgoing_events import record_event


class ListState(StrEnum):
    """State of a list. Only a ready one is sent to.

    The rows of a discarded one are being deleted, then the list itself. Those of a deleted
    one too, and then it is emptied: campaigns that are over may still point to it.
    """

    IMPORTING = "importing"
    READY = "ready"
    DISCARDED = "discarded"
    DELETED = "deleted"
    EMPTIED = "emptied"


VISIBLE = frozenset({ListState.IMPORTING, ListState.READY})
"""A list in any other state does not exist for clients."""


class ImportTotals(NamedTuple):
    """Data rows of a file by the result of their import; their sum is the number of data rows."""

    accepted: int
    duplicates: int
    rejected: int


class RecipientList(NamedTuple):
    """A list as others read it; `last_seq` is the highest number a row may have."""

    id: ListId
    name: str
    state: ListState
    sha256: str | None
    has_name: bool
    attribute_columns: tuple[str, ...]
    totals: ImportTotals
    last_seq: int
    header: str | None
    """given, found or none; None where it was not noted."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the file has: those that a template may name."""
        known = (PHONE, NAME) if self.has_name else (PHONE,)
        return (*known, *self.attribute_columns)


INSERT_LIST = """
INSERT INTO recipient_lists (name, state, created_at, progressed_at)
VALUES (%s, 'importing', NOW(6), NOW(6))
"""

TOUCH_LIST = """
UPDATE recipient_lists SET progressed_at = NOW(6) WHERE id = %s AND state = 'importing'
"""

SELECT_LIST_FOR_UPDATE = "SELECT state FROM recipient_lists WHERE id = %s FOR UPDATE"

COMPLETE_LIST = """
UPDATE recipient_lists SET state = 'ready', name = %s, sha256 = %s, has_name = %s,
  attribute_columns = %s, header = %s, accepted = %s, duplicates = %s, rejected = %s, last_seq = %s,
  progressed_at = NOW(6)
WHERE id = %s
"""

SELECT_LIST = """
SELECT id, name, state, sha256, has_name, attribute_columns, accepted, duplicates, rejected,
       last_seq, header
FROM recipient_lists WHERE id = %s
"""

HOLD_LIST = SELECT_LIST + "FOR UPDATE"

SELECT_LISTS = """
SELECT id, name, state, sha256, has_name, attribute_columns, accepted, duplicates, rejected,
       last_seq, header
FROM recipient_lists WHERE id < %s AND state IN ('importing', 'ready') ORDER BY id DESC LIMIT %s
"""

SELECT_UNFINISHED_USER = """
SELECT id FROM campaigns WHERE list_id = %s AND state NOT IN %s LIMIT 1 FOR UPDATE
"""

RETIRE_LIST = "UPDATE recipient_lists SET state = %s WHERE id = %s"

DISCARD_LIST = """
UPDATE recipient_lists SET state = 'discarded'
WHERE id = %s AND NOT EXISTS (SELECT 1 FROM campaigns WHERE list_id = recipient_lists.id)
"""

# An import that died left its list `importing`; it has not moved for a while.
DISCARD_ABANDONED = """
UPDATE recipient_lists SET state = 'discarded'
WHERE state = 'importing' AND progressed_at < NOW(6) - INTERVAL %s SECOND
"""

SELECT_UNWANTED = "SELECT id FROM recipient_lists WHERE state IN ('discarded', 'deleted') LIMIT %s"

SELECT_USER = "SELECT id FROM campaigns WHERE list_id = %s LIMIT 1 FOR UPDATE"

SELECT_OF_PURGED = """
SELECT DISTINCT l.id FROM purged_campaigns p JOIN recipient_lists l ON l.id = p.list_id
WHERE l.id > %s AND l.state = 'ready'
  AND NOT EXISTS (SELECT 1 FROM campaigns c WHERE c.list_id = l.id)
ORDER BY l.id LIMIT %s
"""

DELETE_LIST = "DELETE FROM recipient_lists WHERE id = %s AND state = 'discarded'"

NOTE_EMPTIED = "UPDATE recipient_lists SET state = 'emptied' WHERE id = %s AND state = 'deleted'"

DELETE_UNUSED = """
DELETE FROM recipient_lists WHERE state = 'emptied'
AND NOT EXISTS (SELECT 1 FROM campaigns WHERE list_id = recipient_lists.id) LIMIT %s
"""


def begin_list(cursor: Cursor, name: str) -> ListId:
    """Create an empty list that is being imported; returns its id."""
    cursor.execute(INSERT_LIST, (name,))
    return ListId(int(cursor.lastrowid))


def touch_list(cursor: Cursor, list_id: ListId) -> bool:
    """Note that the import moved; False when the list has been given up meanwhile."""
    return cursor.execute(TOUCH_LIST, (list_id,)) == 1


def complete_list(cursor: Cursor, finished: RecipientList) -> bool:
    """Make an imported list ready; False when it has been given up meanwhile."""
    cursor.execute(SELECT_LIST_FOR_UPDATE, (finished.id,))
    row = cursor.fetchone()
    if row is None or row[0] not in VISIBLE:
        return False
    columns = json.dumps(finished.attribute_columns, ensure_ascii=False)
    described = (finished.name, finished.sha256, finished.has_name, columns, finished.header)
    cursor.execute(COMPLETE_LIST, (*described, *finished.totals, finished.last_seq, finished.id))
    links = {"list": f"/v1/recipient-lists/{finished.id}"}
    data = {"list_id": finished.id, **finished.totals._asdict(), "links": links}
    if row[0] == ListState.IMPORTING:  # a repetition after a lost answer finds it ready
        record_event(cursor, EventKind.LIST_IMPORTED, data)
    return True


def read_list(cursor: Cursor, list_id: ListId) -> RecipientList | None:
    """Read a list, or None when there is none of that id."""
    cursor.execute(SELECT_LIST, (list_id,))
    row = cursor.fetchone()
    return None if row is None else _recipient_list(row)


def hold_list(cursor: Cursor, list_id: ListId) -> RecipientList | None:
    """Read a ready list and keep it from being deleted until the transaction ends.

    Hold the list before a campaign is changed to use it. None if there is no ready list of that
    id.
    """
    cursor.execute(HOLD_LIST, (list_id,))
    row = cursor.fetchone()
    found = None if row is None else _recipient_list(row)
    return found if found is not None and found.state is ListState.READY else None


def read_lists(cursor: Cursor, *, before_id: int, limit: int) -> list[RecipientList]:
    """Read at most `limit` lists that are not gone with ids under `before_id`, newest first."""
    cursor.execute(SELECT_LISTS, (before_id, limit))
    return [_recipient_list(row) for row in cursor.fetchall()]


def lock_state(cursor: Cursor, list_id: ListId) -> ListState | None:
    """Read a list's state and keep it until the transaction ends; None where there is none."""
    cursor.execute(SELECT_LIST_FOR_UPDATE, (list_id,))
    row = cursor.fetchone()
    return None if row is None else ListState(row[0])


def unfinished_user(cursor: Cursor, list_id: ListId) -> CampaignId | None:
    """Name a campaign that uses the locked list and is not over, or None."""
    cursor.execute(SELECT_UNFINISHED_USER, (list_id, tuple(OVER)))
    row = cursor.fetchone()
    return None if row is None else CampaignId(int(row[0]))


def retire_list(cursor: Cursor, list_id: ListId, state: ListState) -> None:
    """Take a locked list out of use: it becomes deleted or discarded."""
    cursor.execute(RETIRE_LIST, (state.value, list_id))


def lists_of_purged(cursor: Cursor, *, after_id: int, limit: int) -> list[ListId]:
    """Name ready lists above `after_id` that were used by purged campaigns and are by no other."""
    cursor.execute(SELECT_OF_PURGED, (after_id, limit))
    return [row[0] for row in cursor.fetchall()]


def give_up_list(cursor: Cursor, list_id: ListId) -> bool:
    """Discard a ready list unless a campaign uses it; the sweep deletes its rows."""
    if lock_state(cursor, list_id) is not ListState.READY or cursor.execute(
        SELECT_USER, (list_id,)
    ):
        return False
    retire_list(cursor, list_id, ListState.DISCARDED)
    return True


def discard_list(cursor: Cursor, list_id: ListId) -> None:
    """Give a list up unless a campaign uses it; the sweep deletes its rows."""
    cursor.execute(DISCARD_LIST, (list_id,))


def discard_abandoned(cursor: Cursor, idle_seconds: int) -> int:
    """Give up every import that has not moved for `idle_seconds`; returns how many."""
    return cursor.execute(DISCARD_ABANDONED, (idle_seconds,))


def read_unwanted(cursor: Cursor, limit: int) -> Sequence[ListId]:
    """Name at most `limit` lists whose rows are to be deleted."""
    cursor.execute(SELECT_UNWANTED, (limit,))
    return [row[0] for row in cursor.fetchall()]


def note_rows_deleted(cursor: Cursor, list_id: ListId) -> None:
    """Delete a discarded list whose rows are gone; a deleted one becomes emptied."""
    cursor.execute(DELETE_LIST, (list_id,))
    cursor.execute(NOTE_EMPTIED, (list_id,))


def delete_unused(cursor: Cursor, limit: int) -> int:
    """Delete at most `limit` emptied lists that no campaign points to; returns how many."""
    return cursor.execute(DELETE_UNUSED, (limit,))


def _recipient_list(row: Sequence[Any]) -> RecipientList:
    id_, name, state, sha256, has_name, columns, *counted, last_seq, header = row
    return RecipientList(
        id=id_,
        name=name,
        state=ListState(state),
        sha256=sha256,
        has_name=bool(has_name),
        attribute_columns=tuple(json.loads(columns or "[]")),
        totals=ImportTotals(*counted),
        last_seq=last_seq,
        header=header,
    )
