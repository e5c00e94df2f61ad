"""One real Kafka broker (KRaft, broker and controller in one process)."""

import logging
import shutil
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from local_stack.configuration import write_private
from local_stack.distributions import maven
from local_stack.distributions.cache import Cache
from local_stack.errors import StartError
from local_stack.ports import free_port
from local_stack.process import ChildProcess, Command
from local_stack.servers import java_classes
from local_stack.servers.java import find_java

KAFKA = "4.3.1"
CLASSIC_KAFKA = "3.9.2"  # offers the classic group protocol only, unless told otherwise

SESSION = 5.0
"""Seconds without a heartbeat after which a lost sender's partitions go to the others."""

_START_SECONDS = 120
_STOP_SECONDS = 15
_RECORD_SECONDS = 120  # the JVM writes the classes at its end: 2 s, but 12 on a busy machine
_PROPERTIES: Mapping[str, str] = {
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",  # a misspelt topic must be an error
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # A broker killed and started again waits until its earlier self has timed out (9 s by default).
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "log.cleaner.dedupe.buffer.size": "16777216",  # its default takes 128 MB of a small heap
}
# On two cores the time that the JVM spends compiling and collecting is the services' own: with
# these the broker uses half of the CPU, cold and warm.
_QUICK_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


_USER = "local"
_LISTENER = "LOCAL"
_JAAS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="{user}" password="{password}" user_{user}="{password}";'
)


def with_password(password: str) -> dict[str, str]:
    """Return the properties of a broker, and of its controller, that require a password."""
    jaas = _JAAS.format(user=_USER, password=password)
    return {
        "listener.security.protocol.map": (f"CONTROLLER:SASL_PLAINTEXT,{_LISTENER}:SASL_PLAINTEXT"),
        "inter.broker.listener.name": _LISTENER,
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        f"listener.name.{_LISTENER.lower()}.plain.sasl.jaas.config": jaas,
        "listener.name.controller.plain.sasl.jaas.config": jaas,
    }


def showing_password(password: str) -> dict[str, str]:
    """Return the properties of a client (librdkafka) of such a broker."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": _USER,
        "sasl.password": password,
    }


def group_timeouts(session_ms: int, heartbeat_ms: int) -> dict[str, str]:
    """Return the properties that make the broker detect a lost consumer sooner.

    Under KIP-848 these timeouts are broker settings. The broker also enforces minima, so both
    are set.
    """
    return {
        "group.consumer.min.session.timeout.ms": str(session_ms),
        "group.consumer.session.timeout.ms": str(session_ms),
        "group.consumer.min.heartbeat.interval.ms": str(heartbeat_ms),
        "group.consumer.heartbeat.interval.ms": str(heartbeat_ms),
        "group.min.session.timeout.ms": str(session_ms),
    }


class Node(NamedTuple):
    """The identity of a broker in its cluster."""

    id: int
    ports: tuple[int, int]
    """Of the broker and of the controller."""
    cluster_id: str
    voters: str
    """The controller, as `controller.quorum.voters` names it."""
    is_controller: bool

    @classmethod
    def alone(cls) -> "Node":
        """Return the only node of a cluster."""
        (node,) = cls.several(1)
        return node

    @classmethod
    def several(cls, number: int) -> list["Node"]:
        """Return the nodes of one cluster, of which the first is the controller, too."""
        ports = [(free_port(), free_port()) for _ in range(number)]
        voters = f"1@127.0.0.1:{ports[0][1]}"
        cluster_id = _new_cluster_id()
        return [cls(n, pair, cluster_id, voters, n == 1) for n, pair in enumerate(ports, 1)]


class KafkaServer:
    """A broker with its data in a folder; start, stop, kill and start again keep data and port."""

    def __init__(  # noqa: PLR0913 - independent options with defaults
        self,
        folder: Path,
        cache: Cache,
        *,
        version: str = KAFKA,
        properties: Mapping[str, str] | None = None,
        listeners: Sequence[str] = (),
        heap: str = "768m",
        node: Node | None = None,
        password: str = "",
        record_classes: Path | None = None,
    ) -> None:
        """Keep data in `folder`; clients need `password` where there is one.

        The classes of a run are recorded in `record_classes` when it is stopped.
        """
        self.version = version
        self._folder = folder.absolute()
        self._cache = cache
        self._extra = {**(with_password(password) if password else {}), **(properties or {})}
        self._listener = _LISTENER if password else "PLAINTEXT"
        self.client_properties = showing_password(password) if password else {}
        self._listeners = tuple(listeners)
        self._heap = heap
        self._record_classes = record_classes
        self._node = node or Node.alone()
        self._ports = self._node.ports
        self._process: ChildProcess | None = None
        self._cluster_id = self._node.cluster_id

    @property
    def brokers(self) -> str:
        """The bootstrap address, host:port."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def data(self) -> Path:
        """The folder of its logs, one folder inside for each partition."""
        return self._folder / "data"

    @property
    def process(self) -> ChildProcess:
        """The running (or last) process.

        Raises:
            StartError: it was never started.
        """
        if self._process is None:
            raise StartError("kafka was not started")
        return self._process

    def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises:
            ProgramMissingError: Java or Maven is not installed.
            DownloadError: Kafka could not be fetched.
            StartError: it did not come up; the message ends with its log.
        """
        java = find_java()
        jars = self._jars()
        data = self.data
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._write_properties(data)
        if (data / "meta.properties").exists():
            self._adopt(data)
        else:
            self._format(java, jars, settings, data)
        self._process = ChildProcess(
            Command(
                name="kafka",
                arguments=[
                    *(java, "-Xms256m", f"-Xmx{self._heap}", *_QUICK_JVM),
                    *self._classes(java),
                    *("-Djava.awt.headless=true", "-Dlog4j2.level=WARN"),
                    *("-cp", f"{jars}/*", "kafka.Kafka", str(settings)),
                ],
                log_file=self._folder / "kafka.log",
                folder=self._folder,
                grace_seconds=_STOP_SECONDS if self._record_classes is None else _RECORD_SECONDS,
            )
        )
        self._process.wait_until(self._answers, _START_SECONDS)

    def stop(self) -> None:
        """Shut the broker down."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """Kill the broker, as a crash would."""
        self.process.kill()

    def restart(self) -> None:
        """Stop and start with the same data and port."""
        self.stop()
        self.start()

    def _jars(self) -> Path:
        name = profile(self.version)
        return self._cache.provide(name, lambda part: maven.fetch(name, part))

    def _classes(self, java: str) -> tuple[str, ...]:
        """Return the options that map the recorded classes, or record them."""
        if self._record_classes is not None:
            return java_classes.recording(self._record_classes)
        return java_classes.mapping(self._cache, profile(self.version), java)

    def _write_properties(self, data: Path) -> Path:
        broker, controller = self._ports
        properties = {
            **_PROPERTIES,
            "process.roles": "broker,controller" if self._node.is_controller else "broker",
            "listeners": ",".join(
                (
                    f"{self._listener}://127.0.0.1:{broker}",
                    *([f"CONTROLLER://127.0.0.1:{controller}"] if self._node.is_controller else ()),
                    *self._listeners,
                )
            ),
            "advertised.listeners": ",".join(
                (f"{self._listener}://127.0.0.1:{broker}", *self._listeners)
            ),
            "node.id": str(self._node.id),
            "controller.quorum.voters": self._node.voters,
            "log.dirs": str(data),
            **self._extra,
        }
        file = self._folder / "server.properties"
        write_private(file, "".join(f"{key}={value}\n" for key, value in properties.items()))
        return file

    def _format(self, java: str, jars: Path, settings: Path, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)  # an interrupted attempt
        command = [
            *(java, *_QUICK_JVM, *java_classes.mapping(self._cache, profile(self.version), java)),
            *("-Dlog4j2.level=WARN", "-cp", f"{jars}/*"),
            *("kafka.tools.StorageTool", "format", "-t", self._cluster_id, "-c", str(settings)),
        ]
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        if completed.returncode:
            raise StartError(f"kafka could not prepare its folder:\n{completed.stderr.strip()}")

    def _adopt(self, data: Path) -> None:
        """Take over the identity of a folder that another run of this program left."""
        for line in (data / "meta.properties").read_text().splitlines():
            key, _, value = line.partition("=")
            if key == "cluster.id":
                self._cluster_id = value

    def _answers(self) -> bool:
        if not _accepts(self._ports[0]):
            return False
        try:
            # By its id: the port could have gone to a broker that is not ours.
            admin = quiet_admin(self.brokers, self.client_properties)
            return admin.list_topics(timeout=5).cluster_id == self._cluster_id
        except KafkaException:
            return False


def profile(version: str) -> str:
    """Return the name of a version's files, for Maven and in the cache."""
    return f"kafka-{version}"


def quiet_admin(brokers: str, properties: Mapping[str, str] | None = None) -> AdminClient:
    """Make an admin client that logs nothing when brokers start or stop."""
    silent = logging.getLogger("local_stack.servers.kafka.silent")
    silent.disabled = True
    return AdminClient({"bootstrap.servers": brokers, **(properties or {})}, logger=silent)


def _new_cluster_id() -> str:
    """Make an id in Kafka's form, 16 bytes in URL-safe Base64, that begins with no hyphen."""
    while True:
        made = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):  # the command line would take it for an option
            return made


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
