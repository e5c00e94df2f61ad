"""The MariaDB program: Maven Central's build, or else an installed one."""

import shutil
import stat
import subprocess
import tempfile
import zipfile
from pathlib import Path

from local_stack.distributions import maven, platforms
from local_stack.distributions.cache import Cache
from local_stack.errors import DownloadError
from local_stack.servers.database import DatabaseProgram

VERSION = "11.4.5"
PUBLISHED_FOR = ("linux-x86_64", "macos-arm64")

_REDO_LOG = "--innodb-log-file-size=1G"
# From 11.4 on it makes itself a 4096-bit key at every start, which takes 2 to 11 s.
_NO_TLS = "--skip-ssl"


def embedded(cache: Cache) -> DatabaseProgram | None:
    """Return the build from Maven Central; None if none is published or it does not run here.

    Raises:
        ProgramMissingError: Maven is not installed.
        DownloadError: it could not be fetched.
    """
    platform = platforms.current()
    if platform not in PUBLISHED_FOR:
        return None
    profile = f"mariadb-{VERSION}-{platform}"
    root = cache.provide(profile, lambda part: _unpack(profile, part))
    server = root / "bin" / "mariadbd"
    if not _runs(server):  # such as a macOS without the libraries it was linked with
        return None
    return _program(server, root / "scripts" / "mariadb-install-db", basedir=root)


def installed() -> DatabaseProgram | None:
    """Return the mariadbd on PATH; None if there is none."""
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        return None
    return _program(Path(server), Path(install), basedir=None)


def _program(server: Path, install: Path, basedir: Path | None) -> DatabaseProgram:
    base = () if basedir is None else (f"--basedir={basedir}",)
    return DatabaseProgram(
        flavour="mariadb",
        version=VERSION if basedir else "installed",
        initialise=(
            *(str(install), "--no-defaults", *base, _REDO_LOG),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        ),
        serve=(str(server), "--no-defaults", *base),
        settings=(_REDO_LOG, _NO_TLS, *_message_files(basedir)),
    )


def _message_files(basedir: Path | None) -> tuple[str, ...]:
    """Return the option that the macOS build needs: its messages are one folder too deep."""
    if basedir is None or not (basedir / "share" / "mysql").is_dir():
        return ()
    return (f"--lc-messages-dir={basedir / 'share' / 'mysql'}",)


def _unpack(profile: str, into: Path) -> None:
    with tempfile.TemporaryDirectory(dir=into.parent) as download:
        maven.fetch(profile, Path(download))
        (jar,) = Path(download).glob("*.jar")
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.infolist():
                _, marker, path = entry.filename.partition(f"/mariadb-{VERSION}/")
                if not marker or entry.is_dir():
                    continue
                file = into / path.partition("/")[2]  # without the system's name
                file.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, file.open("wb") as target:
                    shutil.copyfileobj(source, target)
    programs = [*(into / "bin").glob("*"), *(into / "scripts").glob("*")]
    if not programs:
        raise DownloadError(f"{profile} holds no programs where they were expected")
    for program in programs:  # a jar does not keep permissions
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _runs(server: Path) -> bool:
    completed = subprocess.run([server, "--version"], capture_output=True, check=False)
    return completed.returncode == 0
