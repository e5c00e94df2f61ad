"""Idempotent transactions that are retried while the database is down."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from campaign_common.database import Cursor, Database
from campaign_common.errors import RetryLater, StatementRefused
from campaign_common.runtime.backoff import Backoff

log = structlog.get_logger(__name__)

T = TypeVar("T")

PAUSE = 0.5
"""Seconds between two attempts."""


class RetryingTransactions:
    """Idempotent transactions, each of which is retried for up to `seconds`."""

    def __init__(self, database: Database, seconds: float) -> None:
        self.database = database
        self._seconds = seconds

    def run(self, work: Callable[[Cursor], T]) -> T:
        """Run `work` in a transaction until it is committed.

        It is retried after every temporary failure, and when the answer to a COMMIT was lost:
        `work` must then find what it did before, or do the same again.

        Raises:
            RetryLater: the last failure, when the time is over.
            StatementRefused: at once, because waiting does not help.
        """
        deadline = time.monotonic() + self._seconds
        backoff = Backoff(time.sleep, PAUSE, PAUSE)
        while True:
            try:
                return self.database.run(work)
            except StatementRefused:
                raise
            except RetryLater as error:
                if time.monotonic() >= deadline:
                    raise
                log.warning(
                    "database transaction retried", reason=str(error), kind=type(error).__name__
                )
                backoff.pause()
