"""Sweeper: deletes the rows of abandoned imports, and of replaced and deleted lists.

It also deletes what is kept for a time, such as inbound messages, and ends what a process that is
gone has left: erasures, and imports of suppressions.
"""

import threading
from functools import partial

import structlog

from campaign_api.messages.erasing import Eraser
from campaign_api.web.idempotency.idempotency_lock import delete_outdated_keys
from campaign_common.database import Database, named_lock
from campaign_common.domain.recipient import ListId
from campaign_common.errors import LockBusy
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.settings import InboundSettings
from campaign_common.store.access.web_sessions import delete_ended_sessions
from campaign_common.store.inbound.answered_keywords import delete_old_answered
from campaign_common.store.inbound.inbound_messages import delete_old_inbound
from campaign_common.store.messages.provider_checks import delete_old_checks
from campaign_common.store.messages.single_messages import delete_old_single_messages
from campaign_common.store.recipients import recipient_lists
from campaign_common.store.recipients.recipients import delete_some_recipients
from campaign_common.store.recipients.rejects import delete_some_rejects
from campaign_common.store.suppressions.hashed_suppressions import delete_ended_hashes
from campaign_common.store.suppressions.imports import end_abandoned_imports

ABANDONED_AFTER = 600
"""Seconds without progress after which an import counts as dead."""

LONGEST_BATCH = 60.0
"""Seconds without progress after which an import of suppressions counts as dead."""

ROWS_AT_ONCE = 5_000
"""Rows deleted in one transaction; small, so that their locks are short."""

LISTS_AT_ONCE = 100

INTERVAL = 60.0
SPREAD = 0.1
"""Seconds between two sweeps, give or take a tenth."""

log = structlog.get_logger(__name__)


def sweep_abandoned_lists(
    database: Database, stop: threading.Event, abandoned_after: int = ABANDONED_AFTER
) -> int:
    """Delete the rows of unwanted lists and of dead imports; return the number of lists.

    It uses many small transactions, so it may stop at any moment and continue later.
    """
    try:
        with named_lock(database, "sweep", wait=0):
            database.run(lambda cursor: recipient_lists.discard_abandoned(cursor, abandoned_after))
            database.run(lambda cursor: recipient_lists.delete_unused(cursor, LISTS_AT_ONCE))
            with database.reading() as cursor:
                list_ids = recipient_lists.read_unwanted(cursor, LISTS_AT_ONCE)
            return sum(_delete_rows(database, list_id, stop) for list_id in list_ids)
    except LockBusy:
        return 0


def _delete_rows(database: Database, list_id: ListId, stop: threading.Event) -> int:
    for delete_some in (delete_some_recipients, delete_some_rejects):
        delete = partial(delete_some, list_id=list_id, limit=ROWS_AT_ONCE)
        deleted = ROWS_AT_ONCE
        while deleted == ROWS_AT_ONCE:
            if stop.is_set():
                return 0
            deleted = database.run(delete)
    database.run(lambda cursor: recipient_lists.note_rows_deleted(cursor, list_id))
    return 1


def delete_outdated_inbound(database: Database, stop: threading.Event, keep_for: float) -> int:
    """Delete the inbound messages that are older than so many seconds; return how many went."""
    delete = partial(delete_old_inbound, seconds=round(keep_for), limit=ROWS_AT_ONCE)
    total, deleted = 0, ROWS_AT_ONCE
    while deleted == ROWS_AT_ONCE and not stop.is_set():
        deleted = database.run(delete)
        total += deleted
    return total


class Sweeper:
    """Sweeper with a thread of its own, at the start and about once a minute."""

    def __init__(
        self,
        database: Database,
        eraser: Eraser,
        longest: float = 0.0,
        inbound: InboundSettings | None = None,
    ) -> None:
        """Take the seconds of the longest transaction, and how long what people say is kept."""
        self._database = database
        self._import_idle = max(longest, LONGEST_BATCH)
        self._eraser = eraser
        self._inbound = inbound
        self._stop = threading.Event()
        self._sweeping = PeriodicThread(
            "sweeper", INTERVAL, self._sweep, at_once=True, spread=SPREAD
        )

    def start(self) -> None:
        """Start the thread."""
        self._sweeping.start()

    def stop(self) -> None:
        """End the thread after the transaction it is in."""
        self._stop.set()
        self._sweeping.stop()

    def _sweep(self) -> None:
        delete_outdated_keys(self._database, self._stop)
        self._database.run(partial(delete_old_single_messages, limit=ROWS_AT_ONCE))
        self._database.run(partial(delete_old_checks, limit=ROWS_AT_ONCE))
        self._database.run(partial(delete_ended_hashes, limit=ROWS_AT_ONCE))
        self._database.run(partial(delete_ended_sessions, limit=ROWS_AT_ONCE))
        end_imports = partial(end_abandoned_imports, idle_seconds=self._import_idle)
        if imports := self._database.run(end_imports):
            log.info("abandoned imports of suppressions ended", imports=imports)
        if self._inbound is not None:
            self._sweep_inbound(self._inbound)
        self._eraser.resume_unfinished(self._stop)
        swept = sweep_abandoned_lists(self._database, self._stop)
        if swept:
            log.info("abandoned lists deleted", lists=swept)

    def _sweep_inbound(self, inbound: InboundSettings) -> None:
        if inbound.keep_for is not None:
            delete_outdated_inbound(self._database, self._stop, inbound.keep_for)
        delete_old = partial(
            delete_old_answered, interval=inbound.answers.interval, limit=ROWS_AT_ONCE
        )
        self._database.run(delete_old)
