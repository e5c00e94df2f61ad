"""Connections killed, and the servers themselves killed and started again."""

import shutil
import time
from collections.abc import Sequence

import psutil
import pymysql
import pytest

from local_stack.servers.database import DatabaseServer
from local_stack.servers.kafka import KafkaServer
from tests.chaos.scene import Scene
from tests.support.providers.recording_provider import Faults
from tests.support.services.processes import Process
from tests.support.waiting import wait_until

CONNECTIONS = """
SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()
"""
CLOSE_BEHIND = {"Lease": "3s", "ChunkSize": 500, "Window": "2s"}
"""Little is in the senders' memory that would let the campaign end during an outage."""


GROWTH = 16 * 2**20
"""Bytes that a process may grow by in the course of an outage; a leak of its backlog is more."""


def begin(scene: Scene, latency: float = 0.05) -> None:
    scene.provider.set_faults(Faults(latency=latency))
    scene.system.configure(Scheduler=CLOSE_BEHIND)
    scene.start_all(senders=2)
    scene.begin(scene.scale.choose(20_000, 100_000))
    scene.wait_for_calls(1_000)


def check(scene: Scene, fault: str, faults: int, recovered: float | None = None) -> None:
    """Whatever went away: nobody is lost, and only suspects were called again."""
    scene.hurry()
    account = scene.finish()
    suspects = scene.suspects()
    scene.found(fault, account, faults=faults, bound=suspects, recovered=recovered)
    assert (account.lost, account.unknown) == (0, 0)
    assert account.duplicates <= suspects


@pytest.mark.parametrize(
    "server", ["mariadb", pytest.param("mysql", marks=pytest.mark.long_form)], indirect=True
)
def test_killed_connections_lose_nobody(scene: Scene) -> None:
    kills = scene.scale.choose(20, 200)
    begin(scene)
    killed = 0
    while killed < kills:
        scene.wait_a_random_while(len(scene.phones) // (kills * 2))
        connections = [number for (number,) in scene.system.rows(CONNECTIONS)]
        if not connections:
            continue
        try:
            scene.execute(f"KILL CONNECTION {scene.random.choice(connections)}")
        except pymysql.err.OperationalError:
            continue  # it had ended by itself
        killed += 1
    assert not scene.has_finished(), "the campaign was over before the last kill"
    check(scene, "connections killed", killed)


def crash(
    scene: Scene, server: DatabaseServer | KafkaServer, *, forgets_groups: bool = False
) -> float:
    """Kill a server and start it again; returns the seconds until calls go on.

    A broker that has lost the state of its groups tells their members that there is no such group,
    which ends their clients. A killed one may do so by itself, a few times in a hundred.
    """
    server.kill()
    killed = time.monotonic()
    if forgets_groups and isinstance(server, KafkaServer):
        for folder in server.data.glob("__consumer_offsets-*"):
            shutil.rmtree(folder)
    start_again(scene, server)
    return time.monotonic() - killed


def start_again(scene: Scene, server: DatabaseServer | KafkaServer) -> None:
    """Start a server again, and wait until calls go on."""
    server.start()
    wait_until(scene.system.is_ready)
    calls = scene.calls()
    wait_until(lambda: scene.calls() > calls or scene.has_finished())


def test_a_killed_database_loses_nobody(scene: Scene, own_database: DatabaseServer) -> None:
    kills = scene.scale.choose(3, 5)
    begin(scene)
    recovered = []
    for _ in range(kills):
        scene.wait_a_random_while(2_000)
        assert not scene.has_finished()
        recovered.append(crash(scene, own_database))
    check(scene, "database killed", kills, max(recovered))


def test_a_killed_broker_loses_nobody(scene: Scene, own_broker: KafkaServer) -> None:
    kills = scene.scale.choose(3, 5)
    begin(scene, latency=0.1)
    recovered = []
    for kill in range(kills):
        scene.wait_a_random_while(1_000)
        assert not scene.has_finished()
        recovered.append(crash(scene, own_broker, forgets_groups=kill == kills - 1))
    check(scene, "broker killed, its groups forgotten once", kills, max(recovered))


def resident(processes: Sequence[Process]) -> list[int]:
    return [psutil.Process(process.pid).memory_info().rss for process in processes]


def test_an_outage_leaves_memory_flat_however_much_is_queued(
    scene: Scene, own_database: DatabaseServer, own_broker: KafkaServer
) -> None:
    seconds = scene.scale.choose(10, 120)
    schedulers, senders = scene.start_all(senders=2)
    scene.begin(scene.scale.choose(20_000, 100_000))
    scene.wait_for_calls(1_000)
    for server in (own_database, own_broker):
        server.kill()
        time.sleep(seconds / 4)  # what was on its way has arrived
        before = resident([*schedulers, *senders])
        time.sleep(seconds)
        after = resident([*schedulers, *senders])
        start_again(scene, server)
        assert max(late - early for early, late in zip(before, after, strict=True)) < GROWTH
    check(scene, f"database, then broker away for {seconds} s and more", 2)
