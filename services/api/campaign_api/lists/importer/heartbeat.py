"""Showing that an import lives while nothing of its file arrives to be stored."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from campaign_common.database import Database
from campaign_common.errors import CampaignError
from campaign_common.store.recipient_lists import touch_list

INTERVAL = 60.0
"""Seconds; a tenth of what the sweep waits before it takes an import for dead."""


class Heartbeat:
    """Touches a list about once a minute; a context manager.

    An upload may bring less than a batch of rows in all the time that the sweep waits.
    """

    def __init__(self, database: Database, list_id: int, interval: float = INTERVAL) -> None:
        self._database = database
        self._list_id = list_id
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="import heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(self._interval):
            # Whether the list is still wanted is found out by the next batch.
            with suppress(CampaignError):
                self._database.run(lambda cursor: touch_list(cursor, self._list_id))
