"""Recipient lists: reading, listing people and rejects, deletion."""

from collections.abc import Iterator
from typing import Any

from campaign_api.csv_export import csv_text
from campaign_api.errors import ListInUse, ListUnknown
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.http.paging import Page
from campaign_common.database import Cursor, Database
from campaign_common.domain.recipient import ListId, Recipient
from campaign_common.store.recipients.recipient_lists import (
    VISIBLE,
    ListState,
    RecipientList,
    lock_state,
    read_list,
    read_lists,
    retire_list,
    unfinished_user,
)
from campaign_common.store.recipients.recipients import read_by_phone, read_page
from campaign_common.store.recipients.rejects import read_rejects

RETRY_SECONDS = 10.0
"""Seconds for which a deletion is retried while the database is down."""

REJECTS_AT_ONCE = 1_000
"""Rows of an export held in memory; each has up to 2,000 characters."""

REJECT_COLUMNS = ("line", "reason", "text")

SHOWN_RECIPIENTS = 3
"""Recipients that are shown with a list, so that clients see how the file was parsed."""

LARGEST_ID = 2**63 - 1


class RecipientLists:
    """Lists that are visible to clients, to be read and deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)

    def page(self, limit: int, before_id: int = LARGEST_ID) -> Page:
        """Describe at most `limit` lists, newest first.

        Raises:
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            found = read_lists(cursor, before_id=before_id, limit=limit)
        return Page(
            [describe(each) for each in found], (found[-1].id,) if len(found) == limit else None
        )

    def one(self, list_id: ListId) -> dict[str, Any]:
        """Describe a list and its first recipients, without those who were erased.

        Raises:
            ListUnknown: there is none of that id.
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            found = _visible(cursor, list_id)
            first = read_page(cursor, list_id, after_seq=0, limit=SHOWN_RECIPIENTS)
        return {**describe(found), "first_recipients": [_person(each) for each in first]}

    def people(self, list_id: ListId, limit: int, after_seq: int = 0) -> Page:
        """Describe at most `limit` people of a list.

        Raises:
            ListUnknown: there is no list of that id.
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            _visible(cursor, list_id)
            found = read_page(cursor, list_id, after_seq=after_seq, limit=limit)
        last = found[-1].seq if len(found) == limit else None
        return Page([_person(each) for each in found], None if last is None else (last,))

    def person(self, list_id: ListId, phone: str) -> Page:
        """Describe the recipient of a list with a normalised number, if there is one.

        Raises:
            ListUnknown: there is no list of that id.
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            _visible(cursor, list_id)
            found = read_by_phone(cursor, list_id, phone)
        return Page([] if found is None else [_person(found)], None)

    def rejects(self, list_id: ListId, limit: int, after_line: int = 0) -> Page:
        """Describe at most `limit` rejected rows of a list, in the order of its file.

        Raises:
            ListUnknown: there is no list of that id.
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            _visible(cursor, list_id)
            found = read_rejects(cursor, list_id, after_line=after_line, limit=limit)
        next_key = (found[-1].line,) if len(found) == limit else None
        return Page([dict(zip(REJECT_COLUMNS, row, strict=True)) for row in found], next_key)

    def rejects_csv(self, list_id: ListId) -> Iterator[str]:
        """Write the rejects of a list as CSV, a slice at a time.

        Raises:
            ListUnknown: there is none of that id.
            RetryLater: the database is unavailable, at once or while the slices are read.
        """
        with self._database.reading() as cursor:
            _visible(cursor, list_id)
        return self._reject_slices(list_id)

    def delete(self, list_id: ListId) -> None:
        """Delete a list; its rows go with the next sweep.

        Raises:
            ListUnknown: there is none of that id.
            ListInUse: a campaign that is not over uses it.
            RetryLater: the database is unavailable.
        """
        done = False

        def delete(cursor: Cursor) -> None:
            nonlocal done
            state = lock_state(cursor, list_id)
            if state not in VISIBLE:
                if done:  # by the transaction before, the answer to whose COMMIT was lost
                    return
                raise _unknown(list_id)
            campaign_id = unfinished_user(cursor, list_id)
            if campaign_id is not None:
                raise ListInUse(f"campaign {campaign_id} uses recipient list {list_id}")
            ready = state is ListState.READY
            retire_list(cursor, list_id, ListState.DELETED if ready else ListState.DISCARDED)
            done = True

        self._transactions.run(delete)

    def _reject_slices(self, list_id: ListId) -> Iterator[str]:
        yield csv_text([REJECT_COLUMNS])
        last_line = 0
        while True:
            with self._database.reading() as cursor:
                found = read_rejects(cursor, list_id, after_line=last_line, limit=REJECTS_AT_ONCE)
            if found:
                yield csv_text(found)
            if len(found) < REJECTS_AT_ONCE:
                return
            last_line = found[-1].line


def describe(found: RecipientList) -> dict[str, Any]:
    """Describe a list as in responses."""
    return {
        "id": found.id,
        "name": found.name,
        "state": found.state.value,
        "rows": sum(found.totals),
        **found.totals._asdict(),
        "header": found.header,
        "columns": list(found.columns),
        "sha256": found.sha256,
    }


def _person(recipient: Recipient) -> dict[str, Any]:
    return {**recipient._asdict(), "attributes": recipient.attributes or {}}


def _visible(cursor: Cursor, list_id: ListId) -> RecipientList:
    found = read_list(cursor, list_id)
    if found is None or found.state not in VISIBLE:
        raise _unknown(list_id)
    return found


def _unknown(list_id: ListId) -> ListUnknown:
    return ListUnknown(f"there is no recipient list {list_id}")
