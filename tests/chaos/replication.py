"""A primary and its replica, both real and of one flavour, replicating by GTID."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from campaign_common.dsn import parse_dsn
from local_stack.distributions.cache import Cache
from local_stack.servers.database import DatabaseServer, Flavour
from tests.support.servers.databases import small_server

USER = "camp"
"""An account of its own: root may write on a MariaDB that is read-only."""

BINARY_LOG = ("--log-bin=binlog", "--binlog-format=ROW", "--relay-log=relay")
CATCH_UP = 60
"""Seconds until which a replica has applied everything."""


class Dialect(NamedTuple):
    """The statements of one flavour."""

    options: tuple[str, ...]
    forget: str
    follow: str
    executed: str
    wait: str
    leave: tuple[str, ...]
    read_only: str


DIALECTS: dict[Flavour, Dialect] = {
    "mysql": Dialect(
        ("--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--log-replica-updates=ON"),
        "RESET BINARY LOGS AND GTIDS",
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%s, SOURCE_USER='root',"
        " SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1",
        "SELECT @@global.gtid_executed",
        f"SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, {CATCH_UP})",
        ("STOP REPLICA", "RESET REPLICA ALL"),
        "super_read_only",
    ),
    "mariadb": Dialect(
        ("--log-slave-updates=ON",),
        "RESET MASTER",
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%s, MASTER_USER='root',"
        " MASTER_USE_GTID=slave_pos, MASTER_SSL=0",
        "SELECT @@global.gtid_binlog_pos",
        f"SELECT MASTER_GTID_WAIT(%s, {CATCH_UP})",
        ("STOP SLAVE", "RESET SLAVE ALL"),
        "read_only",
    ),
}


class ReplicatedPair:
    """Two servers; the steps of a switch-over are methods, as a person would take them."""

    def __init__(self, primary: DatabaseServer, replica: DatabaseServer) -> None:
        self.primary = primary
        self.replica = replica
        self._dialect = DIALECTS[primary.program.flavour]

    def replicate(self) -> None:
        """Make `replica` follow `primary` from its first transaction on."""
        for server in (self.primary, self.replica):
            self._execute(server, self._dialect.forget)
        self._set_read_only(self.replica, on=True)
        self._execute(self.replica, self._dialect.follow, self.primary.port)
        self._execute(
            self.replica,
            "START REPLICA" if self.primary.program.flavour == "mysql" else "START SLAVE",
        )
        self._execute(self.primary, f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{USER}'")
        self._execute(self.primary, f"GRANT ALL ON `camp\\_%%`.* TO {USER}@'127.0.0.1'")

    def demote(self) -> None:
        """Have the primary take no more writes; its connections stay."""
        self._set_read_only(self.primary, on=True)

    def promote(self) -> None:
        """Wait until the replica has everything, and have it take writes."""
        executed = self._execute(self.primary, self._dialect.executed)
        assert self._execute(self.replica, self._dialect.wait, executed) == 0, "not caught up"
        for statement in self._dialect.leave:
            self._execute(self.replica, statement)
        self._set_read_only(self.replica, on=False)

    def open_both(self) -> None:
        """Have both take writes, to clean up."""
        for server in (self.primary, self.replica):
            self._set_read_only(server, on=False)

    def connections_to_primary(self) -> int:
        """Count the connections of the services' account that the old primary still has."""
        sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = %s"
        return int(str(self._execute(self.primary, sql, USER)))

    def _set_read_only(self, server: DatabaseServer, *, on: bool) -> None:
        self._execute(server, f"SET GLOBAL {self._dialect.read_only} = {int(on)}")
        if not on:
            self._execute(server, "SET GLOBAL read_only = 0")

    @staticmethod
    def _execute(server: DatabaseServer, sql: str, *arguments: object) -> object:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            row = cursor.fetchone()
            return None if row is None else row[0]


def as_service(dsn: str) -> str:
    """The DSN for the account that the services use."""
    return f"{USER}:{USER}@{dsn.partition('@')[2]}"


def on_server(server: DatabaseServer, dsn: str) -> str:
    """The DSN of the same schema on another server."""
    name = parse_dsn(dsn).database
    return server.dsn.replace("/camp?", f"/{name}?")


@contextmanager
def replicated_pair(folder: Path, cache: Cache, flavour: Flavour) -> Iterator[ReplicatedPair]:
    """Run a primary and its replica."""
    with ExitStack() as stack:
        servers = []
        for number, role in enumerate(("primary", "replica"), 1):
            options = (*BINARY_LOG, f"--server-id={number}", *DIALECTS[flavour].options)
            server = small_server(folder / f"{flavour}-{role}", flavour, cache, options)
            stack.callback(server.stop)
            server.start()
            servers.append(server)
        pair = ReplicatedPair(*servers)
        pair.replicate()
        yield pair
