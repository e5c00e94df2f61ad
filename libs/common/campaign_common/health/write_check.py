"""Proof that the database servers take what a service writes."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic

from campaign_common.database import Database, Databases
from campaign_common.database.demands import unmet_by, unmet_demand
from campaign_common.errors import (
    DatabaseContended,
    DatabaseUnavailable,
    RetryLater,
    WritesRefused,
)
from campaign_common.store.maintenance.write_trial import read_write_settings, try_writes

VALID_FOR = 15.0
"""Seconds after which a server that takes writes is tried again."""

AGAIN_AFTER = 2.0
"""Seconds after which one that does not is tried again."""


def require_writes(database: Database, shards: Sequence[int]) -> None:
    """Do nothing where a server takes the writes of a service that works on these shards.

    Raises:
        WritesRefused: it does not; says why, and what an operator does.
        RetryLater: it cannot be asked.
    """
    try:
        with database.transaction() as cursor:
            variables = read_write_settings(cursor)
            try_writes(cursor, shards)
    except RetryLater as error:
        demand = unmet_demand(error)
        if demand is None:
            raise
        raise WritesRefused(str(demand)) from error
    for demand in unmet_by(variables):
        raise WritesRefused(str(demand))


class WriteCheck:
    """Check that every server takes writes, made now and then; between, the last answer holds.

    A server beside the main one that is away keeps no service from working for the others.
    """

    def __init__(
        self, databases: Databases, shards: int, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._main = databases.main
        self._shares = databases.shares(range(shards))
        self._clock = clock
        self._asking = threading.Lock()
        self._refusal: RetryLater | None = None
        self._valid_until = float("-inf")

    def require(self) -> None:
        """Do nothing where every server that answers takes what a service writes.

        Raises:
            WritesRefused: one does not; says why, and what an operator does.
            RetryLater: the main one cannot be asked.
        """
        with self._asking:
            if self._clock() >= self._valid_until:
                self._refusal = self._ask()
                kept = VALID_FOR if self._refusal is None else AGAIN_AFTER
                self._valid_until = self._clock() + kept
            if self._refusal is not None:
                raise self._refusal.with_traceback(None)

    def _ask(self) -> RetryLater | None:
        for database, held in self._shares:
            try:
                require_writes(database, held)
            except DatabaseContended:
                continue  # a migration holds a table: writes wait for it, and are not refused
            except WritesRefused as error:
                where = f"{database.name}: " if len(self._shares) > 1 else ""
                return WritesRefused(f"{where}{error}")
            except DatabaseUnavailable as error:
                if database is self._main:
                    return error
            except RetryLater as error:
                return error
        return None
