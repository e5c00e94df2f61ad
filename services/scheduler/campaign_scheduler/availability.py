"""Availability of the database servers: one that is down stops only what lives on it."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from campaign_common.database import Cursor, Database, Databases
from campaign_common.errors import DatabaseUnavailable

PROBE_INTERVAL = 1.0
"""Seconds between two probes of the servers that are down."""

T = TypeVar("T")

_log = structlog.get_logger()


class ServerAvailability:
    """The servers that were found down; they are not queried until a probe finds them up again.

    The main server never counts as down. No job can do without it, so its errors are raised.
    """

    def __init__(self, databases: Databases) -> None:
        self._main = databases.main
        self._marking = threading.Lock()
        self._down: frozenset[Database] = frozenset()

    def is_down(self, database: Database) -> bool:
        """Return whether a server was found down, and not up again since then."""
        return database in self._down

    def mark_down(self, database: Database, error: DatabaseUnavailable) -> None:
        """Note that a server does not answer.

        Raises:
            DatabaseUnavailable: it is the main one.
        """
        if database is self._main:
            raise error
        with self._marking:
            if database not in self._down:
                _log.warning("database server unavailable", server=database.name, error=str(error))
            self._down |= {database}

    def query(self, database: Database, query: Callable[[Cursor], T]) -> T | None:
        """Run `query` on a server, outside of any transaction; return None while it is down.

        Raises:
            RetryLater: the main server is down, or another one fails in another way.
        """
        if self.is_down(database):
            return None
        try:
            with database.reading() as cursor:
                return query(cursor)
        except DatabaseUnavailable as error:
            self.mark_down(database, error)
            return None

    def probe(self) -> None:
        """Ping the servers that are down, and mark those that answer as up."""
        for database in self._down:
            try:
                database.ping()
            except DatabaseUnavailable:
                continue
            _log.info("database server recovered", server=database.name)
            with self._marking:
                self._down -= {database}
