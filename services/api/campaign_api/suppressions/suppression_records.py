"""Suppressions as clients read and change them."""

from collections.abc import Iterator
from typing import Any

from campaign_api.csv_export import csv_text
from campaign_api.erased.keys import ErasureKeys
from campaign_api.errors import InsufficientScope, NotFound
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.times import rfc3339_utc
from campaign_api.web.http.paging import Page
from campaign_common.database import Cursor, Database
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.runtime.boot_time import boot_time
from campaign_common.settings import Settings
from campaign_common.store.suppressions.hashed_suppressions import (
    count_hashed_suppressions,
    hashed_suppressions_of,
    lift_suppression,
    restore_suppressions,
    suppression_key_ids,
)
from campaign_common.store.suppressions.listing import (
    SuppressionFilter,
    SuppressionPosition,
    read_suppressions,
)
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    changes_of,
    ends_earlier,
    put_suppression,
    require_in_reach,
    suppressions_of,
)

RETRY_SECONDS = 10.0
"""Seconds for which a change is retried while the database is down."""

CSV_ROWS = 1_000
"""Rows of an export that are read and written at a time."""

COLUMNS = Suppression._fields

START = SuppressionPosition()


class SuppressionRecords:
    """Records of suppressions; memory and statements do not grow with their number.

    Of an erased person they are found by the hashes of a number that is given.
    """

    def __init__(self, database: Database, settings: Settings, keys: ErasureKeys) -> None:
        self._database = database
        self._keys = keys
        self._longest = longest_transaction(settings.mysql.tran_timeout)
        self._transactions = RetryingTransactions(database, RETRY_SECONDS)

    def page(
        self, wanted: SuppressionFilter, limit: int, after: SuppressionPosition = START
    ) -> Page:
        """Describe at most `limit` suppressions after a position.

        Raises:
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            page = read_suppressions(cursor, wanted, after, limit)
        return Page([describe(row) for row in page.rows], page.next)

    def count_hashed(self, wanted: SuppressionFilter) -> int:
        """Count the suppressions of erased people, which have no number.

        Raises:
            RetryLater: the database is unavailable.
        """
        with self._database.reading() as cursor:
            return count_hashed_suppressions(cursor, wanted)

    def of_person(self, phone: str) -> dict[str, Any]:
        """Describe the suppressions of a person, and all changes of them.

        Raises:
            RetryLater: the database is unavailable.
        """
        hashed = self._keys.readable_hashes(phone)
        with self._database.reading() as cursor:
            found, changes = suppressions_of(cursor, phone), changes_of(cursor, phone)
            known = {row.scope for row in found}
            for row in hashed_suppressions_of(cursor, phone, hashed):
                if row.scope not in known:
                    known.add(row.scope)
                    found.append(row)
        found.sort(key=lambda row: row.scope)
        return {
            "phone": phone,
            "suppressions": [describe(row) for row in found],
            "changes": [
                {
                    **change._asdict(),
                    "until": None if change.until is None else rfc3339_utc(change.until),
                    "changed_at": rfc3339_utc(change.changed_at),
                }
                for change in changes
            ],
        }

    def put(
        self, suppression: Suppression, actor: str, *, may_shorten: bool = True
    ) -> dict[str, Any]:
        """Add a suppression, or replace what is said of it; return it as it is then.

        It holds for every sender within 2 s of the return. Ending one earlier than it was to
        end removes it in part: `may_shorten` says that the client may do that.

        Raises:
            InsufficientScope: it would end one earlier, and the client may not.
            RetryLater: the database is unavailable, or was too slow: it may be there already.
        """
        began = 0.0
        hashed = {suppression.phone: self._keys.readable_hashes(suppression.phone)}

        def put(cursor: Cursor) -> None:
            nonlocal began
            began = boot_time()
            restore_suppressions(cursor, hashed, actor, before=suppression)
            if not may_shorten and ends_earlier(cursor, suppression):
                raise InsufficientScope(
                    "the person has a suppression of this scope with a later until, or without;"
                    " ending it earlier needs a key with the scope admin"
                )
            put_suppression(cursor, suppression, actor)

        self._transactions.run(put)
        require_in_reach(began, self._longest)
        with self._database.reading() as cursor:
            rows = suppressions_of(cursor, suppression.phone)
        return describe(next((row for row in rows if row.scope == suppression.scope), suppression))

    def remove(self, phone: str, scope: str, actor: str) -> None:
        """Remove a suppression.

        Raises:
            NotFound: there is none.
            ErasureKeyMissing: there is none, or it has a key that is not configured.
            RetryLater: the database is unavailable.
        """
        done = False
        hashed = self._keys.hashed([phone])[phone]

        def remove(cursor: Cursor) -> None:
            nonlocal done
            # Found in an attempt before, the answer to whose COMMIT was lost: it is done.
            if not lift_suppression(cursor, phone, hashed, scope, actor) and not done:
                self._keys.required(suppression_key_ids(cursor))
                raise NotFound("the person has no suppression of this scope")
            done = True

        self._transactions.run(remove)

    def csv(self, wanted: SuppressionFilter) -> Iterator[str]:
        """Return the text of a CSV file, in pieces; the first is read before this returns.

        Raises:
            RetryLater: the database is unavailable, also while iterating.
        """
        return self._pieces(wanted, self._read(wanted, START))

    def _read(self, wanted: SuppressionFilter, after: SuppressionPosition) -> Page:
        return self.page(wanted, CSV_ROWS, after)

    def _pieces(self, wanted: SuppressionFilter, page: Page) -> Iterator[str]:
        yield csv_text([COLUMNS])
        while True:
            yield csv_text([[item[column] for column in COLUMNS] for item in page.items])
            if page.next_key is None:
                return
            page = self._read(wanted, SuppressionPosition(*map(str, page.next_key)))


def describe(row: Suppression) -> dict[str, Any]:
    """Describe a suppression as in responses."""
    since = None if row.since is None else rfc3339_utc(row.since)
    until = None if row.until is None else rfc3339_utc(row.until)
    return {**row._asdict(), "since": since, "until": until}
