"""Job that looks again at open receipts, those of messages not recorded as sent."""

from functools import partial

from pymysql.cursors import Cursor

from campaign_common.database import Database, Databases
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.receipts.open_receipts import (
    Look,
    due_receipts,
    look_at_receipts,
)
from campaign_common.store.receipts.receipt_writer import read_named
from campaign_scheduler.availability import ServerAvailability

CLOSE_INTERVAL = 0.2
"""Seconds between two looks."""

BATCH = 1_000
"""Receipts of one transaction."""


class ReceiptCloser:
    """Job that closes early receipts once their messages are recorded, and names others to owners.

    Any number of schedulers may look at once: each leaves out what another one has locked.
    """

    def __init__(self, databases: Databases, availability: ServerAvailability) -> None:
        self._databases = databases
        self._availability = availability

    def look(self) -> None:
        """Look at what is due on every server; costs one short statement where nothing is.

        Raises:
            RetryLater: a database is down; the next look begins again.
        """
        for database in self._databases.all:
            while self._look_on(database):
                pass

    def _look_on(self, database: Database) -> bool:
        """Look at one batch; return whether there may be more."""
        due = self._availability.query(database, partial(due_receipts, limit=BATCH))
        if not due:
            return False
        named = read_named(self._databases.main, {place.campaign_id for place in due})

        def look(cursor: Cursor) -> Look:
            return look_at_receipts(cursor, due, named)

        try:
            looked = database.run(look)
        except DatabaseUnavailable as error:
            self._availability.mark_down(database, error)
            return False
        # Without a change of any, others work on these.
        return len(due) == BATCH and looked != (0, 0)
