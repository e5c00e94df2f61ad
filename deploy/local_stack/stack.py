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
    """Find the server of a flavour for this machine, and download it if needed.

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
    """Prefer the newest MySQL: an installed one may be old or confined to its own folder."""
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
        """Keep both in `folder`; if `private`, both require a password that is made here.

        Without one, every user of the machine could connect to 127.0.0.1.
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
        """The servers' addresses, and the folder for the services' files."""
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
        """Start both at once and write their addresses to stack.json.

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
        """Check that both run.

        Raises:
            ProcessDiedError: one of them ended.
        """
        for server in (self.kafka, self.database):
            server.process.check()

    def revive(self) -> list[str]:
        """Restart ended servers with their data; return a line for each.

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
        """Stop both, and delete their data unless it is to be kept."""
        _at_once(self.kafka.stop, self.database.stop)
        (self.folder / "stack.json").unlink(missing_ok=True)
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _at_once(*steps: Callable[[], None]) -> None:
    """Run the steps in parallel, and raise the first error when all have ended."""
    with ThreadPoolExecutor(len(steps)) as pool:
        running = [pool.submit(step) for step in steps]
    for step in running:
        step.result()
