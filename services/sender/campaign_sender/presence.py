"""Saying every few seconds that this sender is alive, for whoever looks at the statistics."""

import threading

import structlog

from campaign_common.database import Database
from campaign_common.errors import RetryLater
from campaign_common.store.statistics import forget_sender, note_sender

INTERVAL = 5.0
"""Seconds between two signs; the statistics take a sender for dead after three times as many."""

log = structlog.get_logger(__name__)


class Presence:
    """Gives signs of this sender in a thread of its own; nothing rests on them."""

    def __init__(self, database: Database, owner_name: str) -> None:
        self._database = database
        self._owner_name = owner_name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Start giving signs."""
        self._thread.start()

    def stop(self) -> None:
        """Take the sender off the list; returns when the thread has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        self._tell(note=True)
        while not self._stop.wait(INTERVAL):
            self._tell(note=True)
        self._tell(note=False)

    def _tell(self, *, note: bool) -> None:
        change = note_sender if note else forget_sender
        try:
            with self._database.transaction() as cursor:
                change(cursor, self._owner_name)
        except RetryLater as error:
            log.debug("no sign of this sender was given", error=str(error))
