"""Locks by name that every client of one server sees, held by a connection."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pymysql.cursors import Cursor
from pymysql.err import Error

from campaign_common.database.pool import Database
from campaign_common.errors import LockBusy

# A lock is known to the whole server and its name is short, hence the hash (SHA1 left MySQL 9).
GET_LOCK = "SELECT GET_LOCK(SHA2(CONCAT(DATABASE(), ':', %s), 256), %s)"
RELEASE_LOCK = "SELECT RELEASE_LOCK(SHA2(CONCAT(DATABASE(), ':', %s), 256))"
KEEP_CONNECTION = "SET SESSION wait_timeout = %s"
LONGEST_HOLD = 4 * 3600
"""Seconds after which a lock of a process that hangs is freed."""


@contextmanager
def named_lock(database: Database, name: str, *, wait: float) -> Iterator[None]:
    """Hold the lock `name` of this schema during the block; needs a connection for itself.

    It only saves work that would be done twice. Nothing may depend on it: the server frees
    it when the connection breaks, and the block goes on.

    Raises:
        LockBusy: somebody else held it for all of `wait` seconds.
    """
    with database.reading(timeout=wait + 2) as cursor:
        if not _taken(cursor, name, wait):
            raise LockBusy(f"another process holds the lock {name!r}, waited {wait:g} s")
        try:
            # MySQL would end the connection, as one of a client that fell silent.
            cursor.execute(KEEP_CONNECTION, (LONGEST_HOLD,))
            yield
        finally:
            with suppress(Error):
                cursor.execute(RELEASE_LOCK, (name,))


def _taken(cursor: Cursor, name: str, wait: float) -> bool:
    cursor.execute(GET_LOCK, (name, wait))
    return cursor.fetchone() == (1,)
