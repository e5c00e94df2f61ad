"""Real servers for the tests, each started once a run and only when a test asks for it.

A test says what it needs by naming a fixture: with ``database`` it runs on MariaDB and on MySQL.
The servers have ports and folders of their own and end with the run. Where several workers share
a run, each of them starts its own.
"""

import gc
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import NoReturn

import hypothesis
import pytest
import structlog
from xdist.remote import Producer

from local_stack.distributions.cache import Cache
from local_stack.errors import DownloadError, ProgramMissingError
from local_stack.scratch import scratch_folder
from local_stack.servers import prometheus
from local_stack.servers.kafka import CLASSIC_KAFKA, KafkaServer, group_timeouts
from local_stack.servers.kafka_classes import record_classes
from tests.support.importing import import_apart
from tests.support.scheduling import Scheduling, in_order, name_apart
from tests.support.servers.databases import (
    MYSQL_DSN_VARIABLE,
    DatabaseServers,
    SchemaServer,
    fresh_schema,
    servers_parent,
)
from tests.support.servers.guarded_kafka import GuardedKafka
from tests.support.servers.kannel import Kannel, programs, running_kannel
from tests.support.servers.running import running
from tests.support.servers.schema_pool import SchemaPool
from tests.support.servers.smsc import MessageCentre, running_message_centre

hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    config.option.loadscopereorder = False  # the order of the tests says what begins
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Spare the garbage collector what stays to the end of the run: modules and thousands of tests.

    Searching them again and again takes a seventh of the processor time of quick tests.
    """
    gc.disable()
    try:
        import_apart(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    name_apart(items)
    if hasattr(config, "workerinput"):
        items[:] = in_order(items)


@pytest.fixture(scope="session", autouse=True)
def loggers_follow_the_configuration() -> Iterator[None]:
    """A logger that keeps the configuration of its first use is blind to a later `capture_logs`."""
    configure = structlog.configure

    def uncached(**keys: object) -> None:
        configure(**{**keys, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", uncached)
        yield


@pytest.fixture(scope="session")
def cache() -> Cache:
    return Cache.from_environment()


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder of the run: pytest keeps its own of three runs, and the data is gigabytes."""
    with scratch_folder("test", servers_parent()) as folder:
        yield folder


@pytest.fixture(scope="session")
def database_servers(servers_folder: Path, cache: Cache) -> Iterator[DatabaseServers]:
    servers = DatabaseServers(servers_folder, cache)
    yield servers
    servers.stop()


@pytest.fixture(scope="session", params=["mariadb", "mysql"])
def database_server(
    request: pytest.FixtureRequest, database_servers: DatabaseServers
) -> SchemaServer:
    try:
        return database_servers.get(request.param)
    except (ProgramMissingError, DownloadError) as error:
        if request.param == "mysql":
            skip_unless_ci(f"{error}; {MYSQL_DSN_VARIABLE} may name a MySQL server instead")
        raise


@pytest.fixture
def database(database_server: SchemaServer) -> Iterator[str]:
    """The DSN (Go style) of a fresh empty schema, dropped afterwards."""
    with fresh_schema(database_server.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def schema_pool(database_servers: DatabaseServers) -> Iterator[SchemaPool]:
    pool = SchemaPool()
    yield pool
    pool.close()


@pytest.fixture
def migrated_schema(
    database_server: SchemaServer, schema_pool: SchemaPool
) -> Iterator[Callable[[int], str]]:
    """Provide the DSN of a migrated schema with so many shards, and without rows."""
    with ExitStack() as stack:
        yield lambda shards: stack.enter_context(schema_pool.schema(database_server.dsn, shards))


@pytest.fixture
def other_database(database_server: SchemaServer) -> Iterator[str]:
    """The DSN of a second schema, which the system treats as another server."""
    with fresh_schema(database_server.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def kafka_classes(cache: Cache) -> None:
    """The recorded classes of a broker: its starts take half of the time from then on."""
    record_classes(cache)


@pytest.fixture(scope="session")
def kafka_server(servers_folder: Path, cache: Cache, kafka_classes: None) -> Iterator[KafkaServer]:
    """The broker of the newest supported version; it notices a lost consumer in 6 seconds."""
    server = KafkaServer(servers_folder / "kafka", cache, properties=group_timeouts(6_000, 500))
    with running(server):
        yield server


@pytest.fixture(scope="session")
def kafka_39_server(servers_folder: Path, cache: Cache) -> Iterator[KafkaServer]:
    """A broker that offers the classic group protocol only."""
    server = KafkaServer(servers_folder / "kafka-39", cache, version=CLASSIC_KAFKA)
    with running(server):
        yield server


@pytest.fixture(scope="module")
def guarded_kafka(
    servers_folder: Path, cache: Cache, kafka_classes: None
) -> Iterator[GuardedKafka]:
    """A broker that asks for a password, and whose users may do what a test allows them.

    It ends with the module that uses it: a broker with nothing to do takes 3 % of a core.
    """
    guarded = GuardedKafka(servers_folder / f"kafka-guarded-{token_hex(2)}", cache)
    with running(guarded.server):
        yield guarded


@pytest.fixture(scope="session")
def promtool(cache: Cache) -> tuple[str, ...]:
    """The beginning of its command."""
    return _of_prometheus("promtool", cache)


@pytest.fixture(scope="session")
def prometheus_program(cache: Cache) -> tuple[str, ...]:
    """The beginning of its command."""
    return _of_prometheus("prometheus", cache)


@pytest.fixture(scope="session")
def message_centre(servers_folder: Path, cache: Cache) -> Iterator[MessageCentre]:
    """A message centre (SMPP) that writes down what it is handed."""
    folder = servers_folder / "smsc"
    folder.mkdir()
    with running_message_centre(cache, folder) as centre:
        yield centre


@pytest.fixture(scope="session")
def kannel_programs(cache: Cache) -> Path:
    """The folder of a real gateway's programs."""
    try:
        return programs(cache)
    except (ProgramMissingError, DownloadError) as error:
        skip_unless_ci(str(error))


@pytest.fixture(scope="session")
def kannel(
    servers_folder: Path, kannel_programs: Path, message_centre: MessageCentre
) -> Iterator[Kannel]:
    """A real gateway in front of the message centre."""
    folder = servers_folder / "kannel"
    folder.mkdir()
    with running_kannel(kannel_programs, folder, message_centre) as gateway:
        yield gateway


def _of_prometheus(program: str, cache: Cache) -> tuple[str, ...]:
    try:
        return prometheus.command(program, cache)
    except (ProgramMissingError, DownloadError) as error:
        skip_unless_ci(str(error))


def skip_unless_ci(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(reason)
    pytest.skip(reason)
