"""The database servers of a test run, each started at its first use."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Protocol

import psutil
import pymysql
import pytest

from campaign_common.dsn import Dsn, parse_dsn
from local_stack.distributions.cache import Cache
from local_stack.scratch import SCRATCH
from local_stack.servers.database import DatabaseServer, Flavour
from local_stack.stack import database_program

MYSQL_DSN_VARIABLE = "CAMP_TEST_MYSQL_DSN"

ONE_FLAVOUR = pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
"""Of tests that show nothing of a database: a second flavour would repeat the first."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder only for this user is made there
SMALL_LOG: Mapping[Flavour, str] = {
    "mariadb": "--innodb-log-file-size=256M",
    "mysql": "--innodb-redo-log-capacity=256M",
}
"""Option of each server of the tests: with the stack's own, each would take 1 GiB of memory."""

MEMORY_TAKEN = 2 * 2**30
"""Bytes that the data folders of a worker grow to, redo logs included."""
MEMORY_LEFT = 6 * 2**30
"""Bytes of memory that stay for the servers and services themselves."""


def servers_parent() -> Path:
    """Return the folder for the data of servers: in memory where there is plenty, else on disk.

    Tests kill processes and never the machine, so that what a server has written survives in
    either. Creating and dropping a schema takes a quarter of the time in memory.
    """
    try:
        free = shutil.disk_usage(MEMORY).free
    except OSError:
        return SCRATCH
    available = psutil.virtual_memory().available
    taken = MEMORY_TAKEN * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if free < taken or available < taken + MEMORY_LEFT:
        return SCRATCH
    return MEMORY / f"camp-mgr-tests-{os.getuid()}"


def small_server(
    folder: Path, flavour: Flavour, cache: Cache, options: Sequence[str] = ()
) -> DatabaseServer:
    """Make a server whose data may be in memory; it is not started yet.

    Raises:
        StackError: its program is not available.
    """
    return DatabaseServer(folder, database_program(flavour, cache), (SMALL_LOG[flavour], *options))


class SchemaServer(Protocol):
    """A server on which tests make schemas."""

    @property
    def dsn(self) -> str: ...


class SuppliedServer:
    """An existing server, named by the environment."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn


class DatabaseServers:
    """One server of each flavour for the whole run."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        self._folder = folder
        self._cache = cache
        self._started: dict[Flavour, SchemaServer] = {}
        self._open = ExitStack()

    def get(self, flavour: Flavour) -> SchemaServer:
        """Return the server of a flavour, started at the first request for it.

        Raises:
            StackError: it is not available or does not start.
        """
        if flavour not in self._started:
            self._started[flavour] = self._start(flavour)
        return self._started[flavour]

    def stop(self) -> None:
        self._open.close()

    def _start(self, flavour: Flavour) -> SchemaServer:
        if flavour == "mysql" and (supplied := os.environ.get(MYSQL_DSN_VARIABLE)):
            return SuppliedServer(supplied)
        server = small_server(self._folder / flavour, flavour, self._cache)
        self._open.callback(server.stop)
        server.start()
        return server


@contextmanager
def fresh_schema(server_dsn: str) -> Iterator[str]:
    """Provide the DSN of a new empty schema on a server, and drop the schema afterwards."""
    before, _, after = server_dsn.rpartition("/")
    name = f"camp_{token_hex(4)}"
    server = parse_dsn(server_dsn)
    _execute(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        _, mark, parameters = after.partition("?")
        yield f"{before}/{name}{mark}{parameters}"
    finally:
        _execute(server, f"DROP DATABASE IF EXISTS {name}")


def _execute(server: Dsn, statement: str) -> None:
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        unix_socket=server.socket,
        user=server.user,
        password=server.password,
        ssl_disabled=True,  # reading the system's certificates takes 28 ms of processor time
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
