"""Deleting the rows of lists that nobody uses: abandoned imports and replaced lists."""

import random
import threading

import structlog

from campaign_common.database import Database, named_lock
from campaign_common.errors import CampaignError, LockBusy
from campaign_common.store import recipient_lists
from campaign_common.store.recipients import delete_some_rows

ABANDONED_AFTER = 600
"""Seconds without progress after which an import counts as dead."""

ROWS_AT_ONCE = 5_000
"""Rows deleted in one transaction, so that nobody waits long for their locks."""

LISTS_AT_ONCE = 100

INTERVAL = 60.0
"""Seconds between two sweeps, give or take a tenth."""

log = structlog.get_logger(__name__)


def sweep_abandoned_lists(
    database: Database, stop: threading.Event, abandoned_after: int = ABANDONED_AFTER
) -> int:
    """Delete discarded lists and those whose import died; returns how many went.

    Many small transactions: it may end at any moment and go on later.
    """
    try:
        with named_lock(database, "sweep", wait=0):
            database.run(lambda cursor: recipient_lists.discard_abandoned(cursor, abandoned_after))
            with database.reading() as cursor:
                list_ids = recipient_lists.read_discarded(cursor, LISTS_AT_ONCE)
            return sum(_delete(database, list_id, stop) for list_id in list_ids)
    except LockBusy:
        return 0


def _delete(database: Database, list_id: int, stop: threading.Event) -> int:
    deleted = ROWS_AT_ONCE
    while deleted == ROWS_AT_ONCE:
        if stop.is_set():
            return 0
        deleted = database.run(lambda cursor: delete_some_rows(cursor, list_id, ROWS_AT_ONCE))
    database.run(lambda cursor: recipient_lists.delete_list(cursor, list_id))
    return 1


class Sweeper:
    """Sweeps in a thread of its own, at the start and about once a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the transaction it is in."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = INTERVAL * random.uniform(0.9, 1.1)  # noqa: S311 - spreads the processes
            try:
                swept = sweep_abandoned_lists(self._database, self._stop)
            except CampaignError as error:
                log.warning("sweep failed", reason=str(error))
                continue
            if swept:
                log.info("lists swept", lists=swept)
