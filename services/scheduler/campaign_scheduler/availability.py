"""Which database servers answer, so that one that is away stops only what lives on it."""

import threading
from collections.abc import Callable
from typing import TypeVar

import structlog

from campaign_common.database import Cursor, Database, Databases
from campaign_common.errors import DatabaseUnavailable

ATTENDANCE_INTERVAL = 1.0
"""Seconds between two looks whether those that were away are back."""

T = TypeVar("T")

_log = structlog.get_logger()


class Attendance:
    """Remembers who was found away, so that nobody waits for it again until it is back.

    The main server never counts as away: nothing goes without it, so it is waited for.
    """

    def __init__(self, databases: Databases) -> None:
        self._main = databases.main
        self._noting = threading.Lock()
        self._away: frozenset[Database] = frozenset()

    def is_away(self, database: Database) -> bool:
        """Tell whether a server was found away, and has not been found back since."""
        return database in self._away

    def note_away(self, database: Database, error: DatabaseUnavailable) -> None:
        """Note that a server does not answer.

        Raises:
            DatabaseUnavailable: it is the main one.
        """
        if database is self._main:
            raise error
        with self._noting:
            if database not in self._away:
                _log.warning("database server away", server=database.name, error=str(error))
            self._away |= {database}

    def ask(self, database: Database, question: Callable[[Cursor], T]) -> T | None:
        """Ask a server something, outside of any transaction; None while it is away.

        Raises:
            RetryLater: the main server is away; or another one has trouble of another kind.
        """
        if self.is_away(database):
            return None
        try:
            with database.reading() as cursor:
                return question(cursor)
        except DatabaseUnavailable as error:
            self.note_away(database, error)
            return None

    def look(self) -> None:
        """Find out which of those that were away are back."""
        for database in self._away:
            try:
                database.ping()
            except DatabaseUnavailable:
                continue
            _log.info("database server back", server=database.name)
            with self._noting:
                self._away -= {database}
