"""Kafka and one database together, as the services need them."""

import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from local_stack.configuration import Addresses, write_private
from local_stack.distributions import platforms
from local_stack.distributions.cache import Cache
from local_stack.errors import ProgramMissingError
from local_stack.servers import mariadb, mysql
from local_stack.servers.database import DatabaseProgram, DatabaseServer, Flavour
from local_stack.servers.kafka import SESSION, KafkaServer, group_timeouts


def database_program(flavour: Flavour, cache: Cache) -> DatabaseProgram:
    """The server of a flavour on this machine, downloaded first where that is needed.

    Raises:
        ProgramMissingError: there is none for this machine.
        DownloadError: it could not be fetched.
    """
    if flavour == "mysql":
        return _mysql_program(cache)
    program = mariadb.embedded(cache) or mariadb.installed() or mysql.installed()
    if program is None:
        raise ProgramMissingError(
            f"no embedded MariaDB is published for {platforms.current()} and none is installed: "
            "'make setup' installs it, or: apt install mariadb-server-core, brew install mariadb"
        )
    return program


def _mysql_program(cache: Cache) -> DatabaseProgram:
    """The newest MySQL before an installed one, which may be old or confined to its own folder."""
    try:
        return mysql.unpacked(cache)
    except ProgramMissingError:
        program = mysql.installed()
        if program is None:
            raise
        return program


class Stack:
    """A broker and a database in one folder; as a context manager it starts and stops them."""

    def __init__(
        self,
        folder: Path,
        cache: Cache,
        *,
        flavour: Flavour = "mariadb",
        database_options: Sequence[str] = (),
        session_seconds: float = SESSION,
        keep: bool = False,
        private: bool = False,
    ) -> None:
        """Have both in `folder`; where `private`, they want a password that is made here.

        The system lets every user of the machine connect to 127.0.0.1.
        """
        password = secrets.token_hex(16) if private else ""
        self.folder = folder.absolute()
        # A lost sender's partitions go to the others within seconds, and a new one gets its share.
        timeouts = group_timeouts(int(session_seconds * 1000), 1_000)
        self.kafka = KafkaServer(
            self.folder / "kafka", cache, properties=timeouts, password=password
        )
        self.database = DatabaseServer(
            self.folder / "database",
            database_program(flavour, cache),
            database_options,
            password=password,
        )
        self._keep = keep

    @property
    def addresses(self) -> Addresses:
        """Where services find the two, and keep their files."""
        return Addresses(
            self.folder,
            self.database.dsn,
            self.kafka.brokers,
            kafka_properties=self.kafka.client_properties,
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start both at once and write stack.json, which says where they are.

        Raises:
            StackError: one of them did not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        _at_once(self.kafka.start, self.database.start)
        addresses = {
            "dsn": self.database.dsn,
            "brokers": self.kafka.brokers,
            "database": self.database.program.flavour,
            "kafka_pid": self.kafka.process.pid,
            "database_pid": self.database.process.pid,
        }
        write_private(self.folder / "stack.json", json.dumps(addresses, indent=2) + "\n")

    def check(self) -> None:
        """Nothing, while both run.

        Raises:
            ProcessDiedError: one of them ended.
        """
        for server in (self.kafka, self.database):
            server.process.check()

    def revive(self) -> list[str]:
        """Start again what has ended, with its data; answers what was started.

        Raises:
            StackError: it did not come up again.
        """
        revived = []
        for server in (self.kafka, self.database):
            process = server.process
            if not process.running:
                server.start()
                revived.append(f"{process.name} ended with exit code {process.exit_code}")
        return revived

    def stop(self) -> None:
        """Stop both; their data goes too unless it was to be kept."""
        _at_once(self.kafka.stop, self.database.stop)
        (self.folder / "stack.json").unlink(missing_ok=True)
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _at_once(*steps: Callable[[], None]) -> None:
    """Run the steps side by side; all of them end before the first error is raised."""
    with ThreadPoolExecutor(len(steps)) as pool:
        running = [pool.submit(step) for step in steps]
    for step in running:
        step.result()
