"""Programs from Debian's packages without installing them: no root, no change to the system."""

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local_stack.errors import DownloadError, ProgramMissingError

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCES = Path("/etc/apt")
_MIRROR = re.compile(r"^(?:deb\s+(?:\[[^]]*]\s+)?|URIs:\s*)(\S+/debian/?)(?=\s|$)", re.MULTILINE)


def fetch(package: str, suite: str, into: Path) -> None:
    """Unpack a package and everything it depends on, down to the C library, into a folder.

    apt verifies the suite's signature and every package's checksum, with a state of its own: an
    empty list of installed packages makes it name the whole closure.

    Raises:
        ProgramMissingError: this is not a Debian system.
        DownloadError: a package could not be fetched or unpacked.
    """
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise ProgramMissingError(f"{package} comes from Debian's packages: {program} missing")
    if not _KEYRING.exists():
        raise ProgramMissingError(
            f"{package} comes from Debian's packages: {_KEYRING} missing "
            "(apt install debian-archive-keyring)"
        )
    apt = into / "apt"
    options = _private_apt(apt, suite)
    _run(["apt-get", *options, "-q", "update"], package)
    _run(["apt-get", *options, "-q", "-y", "--download-only", "install", package], package)
    for archive in sorted((apt / "cache" / "archives").glob("*.deb")):
        _run(["dpkg", "-x", str(archive), str(into)], package)
    shutil.rmtree(apt)


def fetch_programs(package: str, suite: str, programs: Sequence[str], into: Path) -> None:
    """Keep some programs of a package and the libraries that came with it: the rest is large.

    ``programs`` are paths inside the package, such as usr/sbin/nginx.

    Raises:
        ProgramMissingError: this is not a Debian system.
        DownloadError: a package could not be fetched or unpacked.
    """
    with tempfile.TemporaryDirectory(dir=into) as everything:
        root = Path(everything)
        fetch(package, suite, root)
        (into / "lib").mkdir()
        machine = f"{platform.machine()}-linux-gnu"
        for libraries in (root / "lib" / machine, root / "usr" / "lib" / machine):
            for library in libraries.glob("*.so*"):
                shutil.copy2(library, into / "lib" / library.name)
        (loader,) = (root / "lib" / machine).glob("ld-linux-*.so.*")
        shutil.copy2(loader, into / "lib" / "ld.so")
        for program in programs:
            shutil.copy2(root / program, into / Path(program).name)


def command(root: Path, program: str) -> tuple[str, ...]:
    """Return the beginning of a command that runs a kept program with its own C library."""
    return str(root / "lib" / "ld.so"), "--library-path", str(root / "lib"), str(root / program)


def mirror(sources: Path = _SOURCES) -> str:
    """Find the Debian mirror that this system uses.

    Raises:
        ProgramMissingError: its apt sources name none.
    """
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]
    for file in files:
        if file.is_file() and (found := _MIRROR.search(file.read_text())):
            return found[1]
    raise ProgramMissingError(
        f"a Debian mirror is needed, and {sources}/sources.list and {sources}/sources.list.d name "
        "none (add one, or give a database of your own)"
    )


def _private_apt(apt: Path, suite: str) -> list[str]:
    for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror()} {suite} main\n")
    settings = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": apt / "parts",
        "APT::Sandbox::User": "root",  # the user apt would change to may not enter this folder
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::Retries": "3",
    }
    return [argument for key, value in settings.items() for argument in ("-o", f"{key}={value}")]


def _run(command: list[str], package: str) -> None:
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        lines = (completed.stdout + completed.stderr).splitlines()
        reasons = [line for line in lines if line.startswith(("E:", "dpkg: error"))]
        reason = reasons[0] if reasons else f"{command[0]} gave no reason"
        raise DownloadError(f"{package} could not be fetched from Debian's packages: {reason}")
