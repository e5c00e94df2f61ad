"""The site of a benchmark: servers of its own or given ones, and the services on them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import click
import pymysql
from confluent_kafka.admin import AdminClient

from benchmarks.system import SHARDS, System
from campaign_common.dsn import Dsn, parse_dsn
from local_stack.configuration import Addresses, write_configuration
from local_stack.distributions.cache import Cache
from local_stack.ports import free_port
from local_stack.scratch import scratch_folder
from local_stack.servers.database import Flavour
from local_stack.servers.kafka import SESSION
from local_stack.services import ServiceOptions, Services, running_services
from local_stack.stack import Stack

DATABASE, BROKER = "database", "broker"


@dataclass(frozen=True)
class ServerChoice:
    """The choice of servers: new ones of a flavour, or given ones."""

    flavour: Flavour = "mariadb"
    dsn: str | None = None
    brokers: str | None = None
    database_options: tuple[str, ...] = ()
    session_seconds: float = SESSION
    """Session timeout of senders on a broker of the benchmark."""


class Site:
    """Servers with the schema and the topic on them, and a folder for files."""

    def __init__(self, addresses: Addresses, servers: Mapping[str, int]) -> None:
        self.addresses = addresses
        self.servers = servers
        """Process ids of the database and the broker; empty if they are given."""
        self.csv_root = addresses.folder / "csv"
        self.csv_root.mkdir()
        self.imported = False
        """True when a repeat has imported the list that all repeats use."""
        self.dsn = parse_dsn(addresses.dsn)

    def prepare(self) -> None:
        """Make schema and topic."""
        Services(
            self.addresses, ServiceOptions(port=0, senders=0, csv_root=self.csv_root)
        ).prepare()

    @contextmanager
    def system(
        self, senders: int, settings: Mapping[str, object] | None = None
    ) -> Iterator[System]:
        """Run the services for the time of the block."""
        options = ServiceOptions(free_port(), senders, self.csv_root, settings or {})
        with running_services(self.addresses, options) as services, self.connection() as cursor:
            yield System(services, self.servers, cursor)

    @contextmanager
    def connection(self) -> Iterator[pymysql.cursors.Cursor]:
        """Connect without the time limits that services put on their statements."""
        with connected(self.dsn) as cursor:
            yield cursor

    def configuration(self) -> Path:
        """Write a configuration with the services' defaults."""
        return write_configuration(self.addresses, 0, self.csv_root, {})

    def versions(self) -> dict[str, str]:
        """Return the database's name and version."""
        with self.connection() as cursor:
            cursor.execute("SELECT VERSION()")
            ((version,),) = cursor.fetchall()
        name = "MariaDB" if "MariaDB" in version else "MySQL"
        return {DATABASE: f"{name} {version.partition('-')[0]}"}

    def clear_ledger(self) -> None:
        """Delete all outcomes, so that each repeat begins with the same tables."""
        with self.connection() as cursor:
            for shard in range(SHARDS):
                cursor.execute(f"TRUNCATE messages_{shard}")
            cursor.execute("TRUNCATE campaign_counters")


@contextmanager
def site(choice: ServerChoice) -> Iterator[Site]:
    """Start or enter the servers, and make schema and topic."""
    with scratch_folder("benchmark") as folder, ExitStack() as stack:
        if choice.dsn is not None and choice.brokers is not None:
            made = Site(stack.enter_context(_given(choice.dsn, choice.brokers, folder)), {})
        elif choice.dsn is None and choice.brokers is None:
            made = stack.enter_context(_own(choice, folder))
        else:
            raise click.UsageError("--dsn and --brokers go together")
        made.prepare()
        yield made


@contextmanager
def _own(choice: ServerChoice, folder: Path) -> Iterator[Site]:
    cache = Cache.from_environment()
    options = choice.database_options
    stack = Stack(
        folder,
        cache,
        flavour=choice.flavour,
        database_options=options,
        session_seconds=choice.session_seconds,
    )
    with stack:
        pids = {DATABASE: stack.database.process.pid, BROKER: stack.kafka.process.pid}
        yield Site(stack.addresses, pids)


@contextmanager
def _given(dsn: str, brokers: str, folder: Path) -> Iterator[Addresses]:
    """Use a new database, topic and group on servers of the user's, and remove them afterwards."""
    name = f"camp_benchmark_{token_hex(4)}"
    before, slash, after = dsn.rpartition("/")
    _, question, parameters = after.partition("?")
    own = f"{before}{slash}{name}{question}{parameters}"
    with connected(parse_dsn(dsn).without_database()) as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield Addresses(folder, own, brokers, topic=name, group=name)
        finally:
            cursor.execute(f"DROP DATABASE {name}")
            admin = AdminClient({"bootstrap.servers": brokers})
            for topic in admin.delete_topics([name, f"{name}-DLQ"]).values():
                topic.exception(timeout=10)


@contextmanager
def connected(dsn: Dsn) -> Iterator[pymysql.cursors.Cursor]:
    """Connect to a server with autocommit."""
    connection = pymysql.connect(
        host=dsn.host,
        port=dsn.port,
        user=dsn.user,
        password=dsn.password,
        database=dsn.database or None,
        charset="utf8mb4",
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield cursor
