"""The MySQL program: Debian's newest packages, unpacked and not installed."""

import platform
import shutil
from pathlib import Path

from local_stack.distributions import debian
from local_stack.distributions.cache import Cache
from local_stack.servers.database import DatabaseProgram

# Debian's stable releases carry MariaDB only; its unstable one carries MySQL.
_SUITE = "sid"
_PACKAGE = "mysql-server-core"
_CACHE_NAME = "mysql-debian-sid"

_SETTINGS = (
    "--innodb-redo-log-capacity=1G",
    "--mysqlx=OFF",
    "--secure-file-priv=",
)


def unpacked(cache: Cache) -> DatabaseProgram:
    """Return the server of Debian's packages, run through the C library it came with.

    Raises:
        ProgramMissingError: this is not a Debian system.
        DownloadError: a package could not be fetched.
    """
    root = cache.provide(_CACHE_NAME, lambda part: debian.fetch(_PACKAGE, _SUITE, part))
    libraries = root / "usr" / "lib" / f"{platform.machine()}-linux-gnu"
    (loader,) = libraries.glob("ld-linux-*.so.*")
    share = root / "usr" / "share" / "mysql"
    server = (
        *(str(loader), "--library-path", str(libraries), str(root / "usr" / "sbin" / "mysqld")),
        *("--no-defaults", f"--basedir={root / 'usr'}", f"--lc-messages-dir={share}"),
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={root / 'usr' / 'lib' / 'mysql' / 'plugin'}",
    )
    return _program(server, version="debian-sid")


def installed() -> DatabaseProgram | None:
    """Return the mysqld on PATH; None if there is none."""
    server = shutil.which("mysqld") or shutil.which("mysqld", path="/usr/sbin:/usr/local/sbin")
    if server is None or Path(server).resolve().name.startswith("mariadb"):
        return None
    return _program((server, "--no-defaults"), version="installed")


def _program(server: tuple[str, ...], version: str) -> DatabaseProgram:
    return DatabaseProgram(
        flavour="mysql",
        version=version,
        initialise=(*server, "--initialize-insecure"),
        serve=server,
        settings=_SETTINGS,
    )
