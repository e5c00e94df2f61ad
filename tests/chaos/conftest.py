"""The scene of a chaos test, and what all of them have in common."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex

import pytest
from xdist.workermanage import WorkerController

from local_stack.distributions.cache import Cache
from local_stack.servers.database import DatabaseServer
from local_stack.servers.kafka import KafkaServer, group_timeouts
from tests.chaos.findings import Findings, hand_over
from tests.chaos.scale import Scale, scale_from_environment
from tests.chaos.scene import Scene
from tests.chaos.state import state_of
from tests.support.providers.recordings import recording_provider
from tests.support.servers.databases import DatabaseServers, fresh_schema, small_server
from tests.support.servers.running import running
from tests.support.services.system import SHARDS, System

SESSION_MS = 4_000
"""After how long the broker calls a sender lost: most of the time that a take-over takes."""
LATENCY = 0.2
"""Seconds that the provider takes to answer: long enough to be hit in the middle of a call."""
LONG_FORM = "long_form"
"""The marker of tests that only the long form runs."""
LONG_TIMEOUT = 3600
SEED = "chaos_seed"

SCALE = pytest.StashKey[Scale]()


def pytest_configure(config: pytest.Config) -> None:
    scale = config.stash[SCALE] = scale_from_environment(seed_of_the_run(config))
    config.pluginmanager.register(Findings(scale.seed))
    config.addinivalue_line("markers", f"{LONG_FORM}: shows what the short form need not repeat")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Have every worker draw from the seed that the table names."""
    node.workerinput[SEED] = node.config.stash[SCALE].seed


def seed_of_the_run(config: pytest.Config) -> int | None:
    """Return the seed that a worker was given; None in the process that chooses it."""
    return getattr(config, "workerinput", {}).get(SEED)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.stash[SCALE].is_long:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.timeout(LONG_TIMEOUT))
    elif left_out := [item for item in items if item.get_closest_marker(LONG_FORM)]:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure how the system was: what runs still is all there is to find its cause."""
    report = yield
    scene = getattr(item, "funcargs", {}).get("scene")
    if report.failed and call.when == "call" and isinstance(scene, Scene):
        report.sections.append(("the system", "\n".join(state_of(scene))))
    return report


@pytest.fixture(scope="session")
def scale(pytestconfig: pytest.Config) -> Scale:
    return pytestconfig.stash[SCALE]


@pytest.fixture(scope="package")
def own_database(servers_folder: Path, cache: Cache) -> Iterator[DatabaseServer]:
    """A MariaDB that these tests may kill, and share; it ends with them."""
    server = small_server(servers_folder / f"chaos-mariadb-{token_hex(2)}", "mariadb", cache)
    with running(server):
        yield server


@pytest.fixture(scope="package")
def own_broker(servers_folder: Path, cache: Cache, kafka_classes: None) -> Iterator[KafkaServer]:
    """A broker that these tests may kill, and share; it notices lost senders soon.

    It ends with them: a broker with nothing to do takes 3 % of a core.
    """
    timeouts = group_timeouts(SESSION_MS, 500)
    folder = servers_folder / f"chaos-kafka-{token_hex(2)}"
    server = KafkaServer(folder, cache, properties=timeouts)
    with running(server):
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> str:
    """The flavour of the database; a test that is to run on both names them."""
    return getattr(request, "param", "mariadb")


@pytest.fixture
def server_dsn(server: str, own_database: DatabaseServer, database_servers: DatabaseServers) -> str:
    return own_database.dsn if server == "mariadb" else database_servers.get("mysql").dsn


@pytest.fixture
def partitions() -> int:
    """The initial number of partitions of the topic."""
    return SHARDS


@pytest.fixture
def replicas() -> int:
    """The number of brokers that hold each record."""
    return 1


@pytest.fixture
def scene(  # noqa: PLR0917 - each is a part that tests replace
    tmp_path: Path,
    server: str,
    server_dsn: str,
    partitions: int,
    replicas: int,
    own_broker: KafkaServer,
    scale: Scale,
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """Schema, topic and provider; no service runs yet."""
    with fresh_schema(server_dsn) as dsn, ExitStack() as stack:
        system = System(tmp_path, dsn, own_broker.brokers)
        stack.callback(system.close)
        system.prepare(partitions, replicas)
        log = system.folder / "calls"
        provider = stack.enter_context(recording_provider(log, "--latency", LATENCY))
        scene = Scene(system, provider, scale, server, stack)
        try:
            yield scene
        finally:
            hand_over(request.node, scene.findings)
            scene.stop_all()
