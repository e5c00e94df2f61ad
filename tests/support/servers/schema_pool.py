"""Migrated schemas that tests use one after the other, emptied in between.

To make the tables of a schema and to drop them takes up to 0.4 s of processor time on MySQL; to
empty them takes some milliseconds. Numbers that a table gives itself go on where they were.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from pymysql.cursors import Cursor
from pymysql.err import Error, OperationalError

from campaign_common.database import Database
from campaign_common.dsn import Dsn, parse_dsn
from campaign_common.settings import MysqlSettings
from tests.support.servers.databases import fresh_schema
from tests.support.servers.schemas import (
    connected,
    execute_all,
    made_before,
    make_current,
    names,
    recording_of,
)

MANY = 2_000
"""Recipients of a schema that is dropped sooner than emptied."""
WAIT = 5
"""Seconds for connections to end and for locks."""


class SchemaPool:
    """Migrated schemas of all servers of a run; nothing but one test uses each at a time."""

    def __init__(self) -> None:
        self._free: dict[tuple[str, int], list[str]] = defaultdict(list)
        self._open = ExitStack()

    @contextmanager
    def schema(self, server_dsn: str, shards: int) -> Iterator[str]:
        """Provide the DSN of a schema without rows, for which `make_current` has nothing to do."""
        free = self._free[server_dsn, shards]
        text = free.pop() if free else self._make(server_dsn, shards)
        yield text
        dsn = parse_dsn(text)
        if is_emptied(dsn, shards):
            free.append(text)
        else:
            del made_before[dsn.address, dsn.database]  # it is dropped at the end of the run

    def close(self) -> None:
        self._open.close()

    def _make(self, server_dsn: str, shards: int) -> str:
        text = self._open.enter_context(fresh_schema(server_dsn))
        database = Database(MysqlSettings(dsn=parse_dsn(text)))
        make_current(database, shards)
        database.close()
        dsn = database.settings.dsn
        made_before[dsn.address, dsn.database] = shards
        return text


def is_emptied(dsn: Dsn, shards: int) -> bool:
    """Empty a schema as far as that is possible and pays; return whether it is as at first.

    Processes of a test have ended then, but the server may still work for one that was killed.
    """
    with suppress(Error), closing(connected(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET SESSION lock_wait_timeout = {WAIT}, innodb_lock_wait_timeout = {WAIT}")
        recording = recording_of(cursor, shards)
        if frozenset(names(cursor)["BASE TABLE"]) != recording.tables:
            return False
        cursor.execute(f"SELECT 1 FROM recipients LIMIT {MANY}")
        if len(cursor.fetchall()) == MANY or not _is_left_alone(cursor, dsn.database):
            return False
        execute_all(cursor, recording.emptying)
        return True
    return False


def _is_left_alone(cursor: Cursor, schema: str) -> bool:
    """End all other connections to a schema; return whether they are gone in time."""
    give_up_at = time.monotonic() + WAIT
    while others := _connections(cursor, schema):
        if time.monotonic() > give_up_at:
            return False
        for number in others:
            with suppress(OperationalError):  # it has ended meanwhile
                cursor.execute(f"KILL {number}")
        time.sleep(0.01)
    return True


def _connections(cursor: Cursor, schema: str) -> list[int]:
    cursor.execute("SELECT CONNECTION_ID()")
    ((own,),) = cursor.fetchall()
    cursor.execute("SHOW PROCESSLIST")
    return [row[0] for row in cursor.fetchall() if row[3] == schema and row[0] != own]
