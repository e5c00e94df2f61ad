"""The dump and SQL clients of each database server, as an operator has them."""

import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from campaign_common.dsn import parse_dsn
from local_stack.distributions import debian
from local_stack.distributions.cache import Cache
from local_stack.servers import mariadb
from local_stack.servers.database import Flavour

BACKUP = ("--single-transaction", "--quick", "--hex-blob", "--no-tablespaces")
"""The options of docs/operations/backup.md that both know."""


@dataclass(frozen=True)
class Clients:
    """Commands that dump a server and feed it SQL."""

    dump: Sequence[str]
    sql: Sequence[str]

    def back_up(self, dsn: str, file: Path) -> None:
        """Write a schema into a file while it is in use."""
        address = parse_dsn(dsn)
        with file.open("wb") as out:
            self._run([*self.dump, *_login(dsn), *BACKUP, str(address.database)], stdout=out)

    def restore(self, dsn: str, file: Path) -> None:
        """Fill an empty schema from such a file."""
        address = parse_dsn(dsn)
        with file.open("rb") as source:
            self._run([*self.sql, *_login(dsn), str(address.database)], stdin=source)

    def _run(self, command: Sequence[str], **files: object) -> None:
        completed = subprocess.run(  # type: ignore[call-overload]
            command, **files, stderr=subprocess.PIPE, check=False, timeout=120
        )
        assert completed.returncode == 0, completed.stderr.decode()


def database_clients(flavour: Flavour, cache: Cache) -> Clients:
    """The clients that belong to a flavour's server.

    Raises:
        StackError: they cannot be had.
    """
    return _mysql(cache) if flavour == "mysql" else _mariadb(cache)


def _mariadb(cache: Cache) -> Clients:
    program = mariadb.embedded(cache)
    if program is None:
        return _installed("mariadb-dump", "mariadb")
    folder = Path(program.serve[0]).parent
    return Clients(
        (str(folder / "mariadb-dump"), "--no-defaults", "--skip-ssl"),
        (str(folder / "mariadb"), "--no-defaults", "--skip-ssl"),
    )


def _mysql(cache: Cache) -> Clients:
    root = cache.provide(
        "mysql-client-debian-sid", lambda part: debian.fetch("mysql-client-core", "sid", part)
    )
    libraries = root / "usr" / "lib" / f"{platform.machine()}-linux-gnu"
    (loader,) = libraries.glob("ld-linux-*.so.*")
    run = (str(loader), "--library-path", str(libraries))
    programs = root / "usr" / "bin"
    return Clients(
        (*run, str(programs / "mysqldump"), "--no-defaults", "--set-gtid-purged=OFF"),
        (*run, str(programs / "mysql"), "--no-defaults"),
    )


def _installed(dump: str, sql: str) -> Clients:
    found = [shutil.which(program) for program in (dump, sql)]
    assert None not in found, f"{dump} and {sql} are not installed"
    return Clients(*[(str(program), "--no-defaults") for program in found])


def _login(dsn: str) -> list[str]:
    address = parse_dsn(dsn)
    place = (
        [f"--socket={address.socket}"]
        if address.socket
        else [f"--host={address.host}", f"--port={address.port}", "--protocol=tcp"]
    )
    return [*place, f"--user={address.user}", f"--password={address.password}"]
