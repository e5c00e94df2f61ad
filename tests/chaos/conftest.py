"""The scene of a chaos test, and the table at the end of the run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from local_stack.database import Flavour
from local_stack.kafka import KafkaServer
from tests.chaos.report import Finding, table
from tests.chaos.scale import Scale, scale_from_environment
from tests.chaos.scene import Scene
from tests.e2e.system import SHARDS, System
from tests.recordings import recording_provider
from tests.servers import DatabaseServers, fresh_schema

LATENCY = 0.2
"""Seconds that the provider takes to answer: long enough to be hit in the middle of a call."""
LONG_TIMEOUT = 3600

FINDINGS = pytest.StashKey[list[Finding]]()
SCALE = pytest.StashKey[Scale]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FINDINGS] = []
    config.stash[SCALE] = scale_from_environment()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.stash[SCALE].is_long:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.timeout(LONG_TIMEOUT))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if findings := config.stash[FINDINGS]:
        terminalreporter.section(f"chaos, seed {config.stash[SCALE].seed}")
        for line in table(findings):
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> Scale:
    return pytestconfig.stash[SCALE]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> str:
    """The flavour of the database; a test that is to run on both names them."""
    return getattr(request, "param", "mariadb")


@pytest.fixture
def partitions() -> int:
    """How many partitions the topic begins with."""
    return SHARDS


@pytest.fixture
def scene(
    tmp_path: Path,
    server: str,
    partitions: int,
    database_servers: DatabaseServers,
    kafka_server: KafkaServer,
    scale: Scale,
    pytestconfig: pytest.Config,
) -> Iterator[Scene]:
    """Schema, topic and provider; no service runs yet."""
    flavour: Flavour = "mysql" if server == "mysql" else "mariadb"
    with fresh_schema(database_servers.get(flavour).dsn) as dsn:
        system = System(tmp_path, dsn, kafka_server.brokers)
        with opened(system, scale, server, pytestconfig, partitions=partitions) as scene:
            yield scene


@contextmanager
def opened(
    system: System,
    scale: Scale,
    server: str,
    config: pytest.Config,
    *,
    partitions: int = SHARDS,
) -> Iterator[Scene]:
    """Make schema and topic, start the provider, and end everything afterwards."""
    for words in (
        ("campaign-db", "migrate"),
        ("campaign-topics", "create", "--partitions", str(partitions)),
    ):
        completed = system.command(*words, "-c", str(system.config))
        assert completed.returncode == 0, completed.stderr
    log = system.folder / "calls"
    with ExitStack() as stack:
        provider = stack.enter_context(recording_provider(log, "--latency", LATENCY))
        scene = Scene(system, provider, scale, server, stack)
        try:
            yield scene
        finally:
            config.stash[FINDINGS] += scene.findings
            scene.stop_all()
    system.database.close()
