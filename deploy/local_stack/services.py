"""The project's services as processes of their own, on a local stack."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from local_stack.configuration import (
    Addresses,
    without_addresses,
    write_configuration,
    write_private,
)
from local_stack.errors import ProgramMissingError, StartError
from local_stack.process import ChildProcess, Command
from local_stack.servers.kafka import quiet_admin

_SENDER = "campaign-sender"
_NICENESS = {"campaign-scheduler": 5, _SENDER: 10}
"""Niceness by program, so that API requests have priority over a campaign being sent."""

_START_SECONDS = 120
_PREPARE_SECONDS = 120
_TOO_YOUNG_SECONDS = 3.0
_GRACE_SECONDS = 30  # longer than the services' own DrainTimeout


@dataclass(frozen=True)
class ServiceOptions:
    """Options for starting the services."""

    port: int
    senders: int
    csv_root: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    """Further sections of the configuration file."""


class Services:
    """API, scheduler and senders; started together, stopped one after the other in that order."""

    def __init__(self, addresses: Addresses, options: ServiceOptions) -> None:
        self.url = f"http://127.0.0.1:{options.port}"
        self.configuration = write_configuration(
            addresses, options.port, options.csv_root, options.settings
        )
        self.logs = addresses.folder / "logs"
        self._addresses = addresses
        self._options = options
        self._environment = without_addresses(os.environ)
        self._processes: list[ChildProcess] = []
        self._leaving: list[ChildProcess] = []
        self.key_file: Path | None = None
        """File with an API key that requests need; None if no key was made."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The authorization header, if requests need one."""
        if self.key_file is None:
            return {}
        return {"Authorization": f"Bearer {self.key_file.read_text().strip()}"}

    @property
    def senders(self) -> int:
        """The number of senders that were started and not asked to stop."""
        return sum(process.name.startswith(_SENDER) for process in self._processes)

    @property
    def processes(self) -> Mapping[str, int]:
        """The process id of each service by its name."""
        return {process.name: process.pid for process in self._processes}

    def prepare(self) -> None:
        """Migrate the schema, and create the topic if it is missing.

        Raises:
            StartError: one of the two commands failed; the message is its output.
        """
        self._run("campaign-db", "migrate")
        self._run("campaign-topics", "create")

    def start(self) -> None:
        """Start every service and wait until the API answers and each sender has its share.

        Raises:
            StartError: one of them did not come up; the message ends with its log.
        """
        api = self._spawn("campaign-api", "campaign-api")
        self._processes.append(api)
        self._processes.append(self._spawn("campaign-scheduler", "campaign-scheduler"))
        self.scale_senders(self._options.senders)
        senders = self._processes[-self._options.senders :] if self._options.senders else []
        api.wait_until(self._api_is_ready, _START_SECONDS)
        self.key_file = self._key_where_needed()
        admin = quiet_admin(self._addresses.brokers, self._addresses.kafka_properties)
        group = self._addresses.group
        for sender in senders:
            sender.wait_until(lambda: _members(admin, group) >= len(senders), _START_SECONDS)

    def revive(self) -> list[str]:
        """Restart ended processes, as an orchestrator would; return a line for each.

        Raises:
            ProcessDiedError: one ended soon after its start, and would again; the message ends
                with its log.
        """
        revived = []
        for number, process in enumerate(self._processes):
            if process.running:
                continue
            if process.age < _TOO_YOUNG_SECONDS:
                process.check()
            self._processes[number] = ChildProcess(process.command)
            revived.append(f"{process.name} ended with exit code {process.exit_code}")
        return revived

    def scale_senders(self, count: int) -> None:
        """Start further senders, or ask the youngest to stop, without waiting."""
        for number in range(self.senders + 1, count + 1):
            self._processes.append(self._spawn(_SENDER, f"{_SENDER}-{number}"))
        while self.senders > count:
            leaving = self._processes.pop()
            leaving.ask_to_stop()
            self._leaving.append(leaving)

    def stop(self) -> None:
        """Stop them one after the other, so that no new work arrives while the rest is finished."""
        for process in self._processes:
            process.stop()
        for process in self._leaving:
            process.wait()

    def _key_where_needed(self) -> Path | None:
        """Create a key if the system cannot tell the API which user a client belongs to.

        Returns None if no key is needed, or if the user has keys already.
        """
        if requests.get(f"{self.url}/v1/stats", timeout=30).status_code != 401:
            return None
        file = self._addresses.folder / "api-key"
        if not file.exists():
            if self._run("campaign-db", "key", "list").strip():
                return None
            made = self._run("campaign-db", "key", "create", "--name", "make", "--scope", "admin")
            write_private(file, f"{made.split()[0]}\n")
        return file

    def _run(self, program: str, *arguments: str) -> str:
        completed = subprocess.run(
            [_installed(program), *arguments, "-c", str(self.configuration)],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=_PREPARE_SECONDS,
        )
        if completed.returncode:
            said = (completed.stdout + completed.stderr).strip()
            command = " ".join((program, *arguments))
            raise StartError(f"'{command}' ended with exit code {completed.returncode}:\n{said}")
        return completed.stdout

    def _spawn(self, program: str, name: str) -> ChildProcess:
        return ChildProcess(
            Command(
                name=name,
                arguments=[_installed(program), "-c", str(self.configuration)],
                log_file=self.logs / f"{name}.log",
                folder=self.logs.parent,
                environment=self._environment,
                grace_seconds=_GRACE_SECONDS,
                niceness=_NICENESS.get(program, 0),
            )
        )

    def _api_is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


@contextmanager
def running_services(addresses: Addresses, options: ServiceOptions) -> Iterator[Services]:
    """Prepare the services, and run them for the time of the block."""
    services = Services(addresses, options)
    try:
        services.prepare()
        services.start()
        yield services
    finally:
        services.stop()


def _members(admin: AdminClient, group: str) -> int:
    """Count the members of the senders' group; 0 until partitions are assigned."""
    try:
        description = admin.describe_consumer_groups([group])[group].result(timeout=10)
    except KafkaException:
        return 0
    if description.state is not ConsumerGroupState.STABLE:
        return 0
    return len(description.members)


def _installed(program: str) -> str:
    path = Path(sys.executable).parent / program
    if not path.exists():
        raise ProgramMissingError(f"{program} is not installed beside {sys.executable}: make setup")
    return str(path)
