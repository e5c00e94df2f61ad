"""Three Kafka brokers as one cluster (KRaft), of which the first is the controller, too."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_stack.distributions.cache import Cache
from local_stack.servers.kafka import KafkaServer, Node

REPLICAS = 3
"""Brokers of a cluster, and copies of each record."""

HEAP = "256m"

_REPLICATION: Mapping[str, str] = {
    "offsets.topic.replication.factor": str(REPLICAS),
    "default.replication.factor": str(REPLICAS),
    "min.insync.replicas": "2",
}


class KafkaCluster:
    """Three brokers, of which any but the first may be killed, frozen and started again.

    The first one is also the controller. Production clusters keep controllers on machines of their
    own; here no partition gets another leader while the first broker is down.
    """

    def __init__(
        self, folder: Path, cache: Cache, *, properties: Mapping[str, str] | None = None
    ) -> None:
        """Keep the data in `folder`; `properties` are of every broker."""
        self.servers = [
            KafkaServer(
                folder / str(node.id),
                cache,
                properties={**_REPLICATION, **(properties or {})},
                heap=HEAP,
                node=node,
            )
            for node in Node.several(REPLICAS)
        ]

    @property
    def brokers(self) -> list[str]:
        """The bootstrap addresses, host:port."""
        return [server.brokers for server in self.servers]

    def start(self) -> None:
        """Start all at once, which none can do alone, and wait until they answer.

        Raises:
            StackError: one of them did not come up.
        """
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(KafkaServer.start, self.servers))

    def stop(self) -> None:
        """Shut all of them down."""
        with ThreadPoolExecutor(len(self.servers)) as pool:
            list(pool.map(KafkaServer.stop, self.servers))
