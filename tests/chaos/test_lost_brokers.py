"""One of three brokers killed, and another one frozen: senders go on once the others lead."""

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from local_stack.distributions.cache import Cache
from local_stack.servers.kafka import KafkaServer, group_timeouts, quiet_admin
from local_stack.servers.kafka_cluster import REPLICAS, KafkaCluster
from tests.chaos.conftest import SESSION_MS
from tests.chaos.scale import Scale
from tests.chaos.scene import Scene, boot_time
from tests.support.providers.recording_provider import Faults
from tests.support.servers.running import running
from tests.support.waiting import wait_until

NOTICED_WITHIN = 3.0
"""Seconds after the brokers' session in which clients follow the partitions to other brokers."""
BUSY = 15.0
"""Seconds more that a machine may take which is busy with other tests."""
PACED = Faults(latency=0.1)


@pytest.fixture(scope="module")
def broker_session(scale: Scale) -> float:
    """Seconds without a heartbeat after which a broker counts as lost; 9 is Kafka's default."""
    return scale.choose(3.0, 9.0)


@pytest.fixture(scope="module")
def cluster(servers_folder: Path, cache: Cache, broker_session: float) -> Iterator[KafkaCluster]:
    properties = {
        **group_timeouts(SESSION_MS, 500),
        "broker.session.timeout.ms": str(int(broker_session * 1000)),
    }
    cluster = KafkaCluster(servers_folder / "chaos-cluster", cache, properties=properties)
    with running(cluster):
        yield cluster


@pytest.fixture(scope="module")
def own_broker(cluster: KafkaCluster) -> KafkaServer:
    return cluster.servers[0]


@pytest.fixture
def replicas() -> int:
    return REPLICAS


def topic_of(scene: Scene) -> str:
    return str(scene.system.configuration()["SyncClient"]["Topic"])


def replicas_in_sync(scene: Scene, cluster: KafkaCluster) -> list[list[int]]:
    """The brokers that have all records, of each partition of the topic."""
    try:
        metadata = quiet_admin(cluster.brokers[0]).list_topics(topic_of(scene), timeout=5)
    except KafkaException:
        return []
    return [list(p.isrs) for p in metadata.topics[topic_of(scene)].partitions.values()]


def wait_for_replicas(scene: Scene, cluster: KafkaCluster, number: int) -> None:
    """Wait until each partition has so many replicas in sync."""

    def are_there() -> bool:
        in_sync = replicas_in_sync(scene, cluster)
        return bool(in_sync) and all(len(brokers) == number for brokers in in_sync)

    wait_until(are_there, scene.scale.patience(60), interval=0.2)


def silence(scene: Scene, since: float) -> float:
    """The longest time without a call since a moment, in seconds."""
    moments = [since, *sorted(call.boot for call in scene.provider.calls() if call.boot > since)]
    return max(later - earlier for earlier, later in pairwise(moments))


def test_a_killed_and_a_frozen_broker_cost_a_session(
    scene: Scene, cluster: KafkaCluster, broker_session: float
) -> None:
    """Of three brokers one is killed and comes back, then another stands still for a while."""
    _, killed, frozen = cluster.servers
    document = scene.system.configuration()
    for section in ("SyncClient", "SendClient"):
        scene.system.configure(**{section: {**document[section], "Brokers": cluster.brokers}})
    scene.system.configure(Scheduler={"Lease": "3s", "ChunkSize": 500, "Window": "1s"})
    scene.provider.set_faults(PACED)
    scene.start_all(senders=2)
    scene.begin(scene.scale.choose(40_000, 400_000))
    scene.wait_for_calls(scene.scale.choose(1_000, 100_000))
    began = boot_time()
    killed.kill()
    wait_for_replicas(scene, cluster, REPLICAS - 1)
    killed.start()
    wait_for_replicas(scene, cluster, REPLICAS)
    assert not scene.has_finished(), "the campaign was over before the second fault"
    stands_still_until = boot_time() + scene.scale.choose(8.0, 15.0)
    frozen.process.signal(signal.SIGSTOP)
    try:
        wait_for_replicas(scene, cluster, REPLICAS - 1)
        calls = scene.calls()
        wait_until(lambda: scene.calls() > calls or scene.has_finished())
        wait_until(lambda: boot_time() >= stands_still_until)
    finally:
        frozen.process.signal(signal.SIGCONT)
    scene.hurry()
    account = scene.finish()
    longest = silence(scene, began)
    suspects = scene.suspects()
    scene.found(
        "broker killed, another frozen", account, faults=2, bound=suspects, recovered=longest
    )
    assert (account.lost, account.unknown) == (0, 0)
    assert account.duplicates <= suspects
    assert longest <= broker_session + NOTICED_WITHIN + BUSY
