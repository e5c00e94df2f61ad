"""Jobs around receipts that name their message by the provider's id."""

from functools import partial

import structlog

from campaign_common.database import Databases
from campaign_common.store.receipts.early_receipts import delete_old_early
from campaign_common.store.receipts.identified_receipts import IdentifiedReceiptWriter
from campaign_common.store.receipts.provider_ids import days_kept, delete_old_ids
from campaign_common.store.receipts.receipt_writer import ReceiptWriter

MATCH_INTERVAL = 1.0
"""Seconds between two looks at early receipts."""

RECEIPT_SWEEP_INTERVAL = 60.0
"""Seconds between two deletions of what is old."""

BATCH = 500
"""Reports of one look."""

SLICE, MOST_SLICES = 5_000, 200
"""Rows of one deletion, and deletions in a row: 1,000,000 rows a minute at most."""

_log = structlog.get_logger()


class ReceiptMatcher:
    """Look-ups of early receipts, whose messages were not recorded when they came.

    Any number of schedulers may look at once: a receipt that is written twice changes nothing.
    """

    def __init__(self, databases: Databases, writer: ReceiptWriter, keep_for: float) -> None:
        """Write receipts with `writer`.

        Ids of messages are kept for `keep_for` seconds, and up to a day more.
        """
        self._databases = databases
        self._days = days_kept(keep_for)
        self._writer = IdentifiedReceiptWriter(databases, writer, self._days)

    def match(self) -> None:
        """Look again at what is due; costs one short statement where nothing is.

        Raises:
            RetryLater: a database is down; the next look begins again.
        """
        while self._writer.write_early(BATCH) == BATCH:
            pass

    def sweep(self) -> None:
        """Delete ids that are old, and reports that no message has had.

        Raises:
            RetryLater: a database is down; the next sweep goes on.
        """
        for database in self._databases.all:
            delete = partial(delete_old_ids, days=self._days, limit=SLICE)
            for _ in range(MOST_SLICES):
                if database.run(delete) < SLICE:
                    break
        if gone := self._databases.main.run(partial(delete_old_early, limit=SLICE)):
            _log.info("receipts without a message", receipts=gone)
