"""One real MariaDB or MySQL server, with its data in a folder."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pymysql

from local_stack.configuration import write_private
from local_stack.errors import StartError
from local_stack.ports import free_port
from local_stack.process import ChildProcess, Command

Flavour = Literal["mariadb", "mysql"]

_START_SECONDS = 120
_SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 108 bytes on Linux, 104 on macOS
# Without DNS, root@localhost does not cover the address 127.0.0.1 on MySQL.
_INIT_SQL = """\
CREATE DATABASE IF NOT EXISTS camp;
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}';
ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';
"""
# Each commit syncs the redo log and pages are written twice, as both servers do by default. What
# is changed costs no durability: memory, a redo log large enough not to stall on checkpoints, and
# the binary log, which MySQL turns on for replicas that a server of one machine does not have.
# Measured with 4,000 ledger rows a commit: MySQL 224k rows/s, 171k with the binary log, 197k with
# the performance schema; larger buffers than these changed nothing beyond the noise of 10 %.
_SETTINGS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--character-set-server=utf8mb4",
    "--max-connections=300",
    "--max-allowed-packet=64M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=ON",
    "--innodb-buffer-pool-size=512M",
    "--performance-schema=OFF",
)


@dataclass(frozen=True)
class DatabaseProgram:
    """The command lines that initialise and run a database server."""

    flavour: Flavour
    version: str
    initialise: Sequence[str]  # fills the folder named by the --datadir that is appended
    serve: Sequence[str]
    settings: Sequence[str]  # options that only this flavour has


class DatabaseServer:
    """A server for root on 127.0.0.1; its data survives stop and kill."""

    def __init__(
        self,
        folder: Path,
        program: DatabaseProgram,
        options: Sequence[str] = (),
        *,
        password: str = "",
    ) -> None:
        """Run `program` in `folder`; `options` of its command line go before those of the stack.

        `password` is root's from each start on; letters and digits.
        """
        self.program = program
        self._password = password
        self._options = options
        self.port = free_port()
        self._folder = folder.absolute()
        self._process: ChildProcess | None = None

    @property
    def dsn(self) -> str:
        """The address in the Go style that the services' configuration takes."""
        return (
            f"root:{self._password}@tcp(127.0.0.1:{self.port})/camp?parseTime=true&charset=utf8mb4"
        )

    @property
    def process(self) -> ChildProcess:
        """The running (or last) process.

        Raises:
            StartError: it was never started.
        """
        if self._process is None:
            raise StartError(f"{self.program.flavour} was not started")
        return self._process

    def start(self) -> None:
        """Start the server, on an empty or an earlier folder, and wait until it answers.

        Raises:
            StartError: it did not come up; the message ends with its log.
        """
        data = self._folder / "data"
        if not data.exists():
            self._initialise(data)
        init_file = self._folder / "init.sql"
        write_private(init_file, _INIT_SQL.format(password=self._password))
        socket_folder = _socket_folder(self._folder)
        self._process = ChildProcess(
            Command(
                name=self.program.flavour,
                arguments=[
                    *self.program.serve,
                    f"--datadir={data}",
                    f"--port={self.port}",
                    f"--socket={socket_folder / 'sock'}",
                    f"--pid-file={self._folder / 'server.pid'}",
                    f"--init-file={init_file}",
                    f"--tmpdir={self._temporary()}",
                    *_SETTINGS,
                    *self.program.settings,
                    *self._options,
                    *_as_root(),
                ],
                log_file=self._folder / f"{self.program.flavour}.log",
                folder=self._folder,
                grace_seconds=30,
            )
        )
        self._process.wait_until(self._answers, _START_SECONDS)

    def stop(self) -> None:
        """Shut the server down."""
        if self._process is not None:
            self._process.stop()
            if (socket_folder := _socket_folder(self._folder)) != self._folder:
                shutil.rmtree(socket_folder, ignore_errors=True)

    def kill(self) -> None:
        """Kill the server, as a crash would."""
        self.process.kill()

    def restart(self) -> None:
        """Stop and start with the same data and port."""
        self.stop()
        self.start()

    def connect(self, database: str | None = None) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """Connect as root."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            password=self._password,
            database=database,
            charset="utf8mb4",
            connect_timeout=5,
            ssl_disabled=True,  # reading the system's certificates takes 28 ms of processor time
        )

    def _initialise(self, data: Path) -> None:
        part = data.with_name("data.part")
        shutil.rmtree(part, ignore_errors=True)  # an interrupted attempt
        part.parent.mkdir(parents=True, exist_ok=True)
        completed = subprocess.run(
            [
                *self.program.initialise,
                f"--datadir={part}",
                f"--tmpdir={self._temporary()}",
                *_as_root(),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            output = "\n".join((completed.stdout + completed.stderr).splitlines()[-20:])
            raise StartError(f"{self.program.flavour} could not prepare its folder:\n{output}")
        part.rename(data)

    def _temporary(self) -> Path:
        """Make a folder for temporary files.

        In a shared folder a starting MariaDB deletes the temporary tables of other servers.
        """
        temporary = self._folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return temporary

    def _answers(self) -> bool:
        try:
            connection = self.connect("camp")
        except pymysql.err.OperationalError:
            return False
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@datadir")
            (folder,) = cursor.fetchone() or ("",)
        # By its folder: the port could have gone to a server that is not ours.
        return Path(str(folder)).resolve() == (self._folder / "data").resolve()


def _socket_folder(folder: Path) -> Path:
    """Return a folder with a path short enough for a socket, the same for the same data folder."""
    if len(str(folder / "sock")) < _SOCKET_PATH_LIMIT:
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"camp-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    # Where every user may make folders, another one may have made this one.
    if short.is_symlink() or short.stat().st_uid != os.getuid():
        raise StartError(f"{short} belongs to another user")
    short.chmod(0o700)
    return short


def _as_root() -> list[str]:
    """Return the option without which both servers refuse to run as root."""
    return ["--user=root"] if os.geteuid() == 0 else []
