"""Wheels and source archives of the project and of its client, with the packages that they need."""

import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from release.errors import ReleaseError
from release.images import REPOSITORY
from release.packages import Package, extras_of, python_package, with_dependencies

DEVELOPMENT_EXTRAS = frozenset({"bench", "dev", "docs", "release"})
"""Extras of people who change the project; no service needs them."""


CLIENT = REPOSITORY / "libs" / "client"
"""The distribution camp-mgr-client, which is built from its own folder."""

IMPORT_ALONE = """
import sys
sys.path[:0] = sys.argv[1:]
import campaign_client
assert campaign_client.__file__.startswith(sys.argv[1]), campaign_client.__file__
campaign_client.Client("http://localhost:10001", "key")
found = {name.split(".")[0] for name in sys.modules if name.startswith("campaign")}
assert found == {"campaign_client"}, found
"""


def build_wheel(folder: Path, project: Path = REPOSITORY) -> Path:
    """Build wheel and source archive of a project without the network, and return the wheel.

    Raises:
        subprocess.CalledProcessError: hatchling failed.
    """
    before = set(folder.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=project, check=True
    )
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def require_client_alone(wheel: Path) -> None:
    """Import the client from its wheel, beside its libraries and without the project.

    No .pth file is obeyed meanwhile (`-S`), so that no other package of the project is found.

    Raises:
        ReleaseError: it cannot be imported so.
    """
    libraries = str(distribution("requests").locate_file(""))
    ended = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_ALONE, wheel, libraries],
        check=False,
        capture_output=True,
        text=True,
        cwd=wheel.parent,
    )
    if ended.returncode != 0:
        raise ReleaseError(f"{wheel.name} cannot be used alone: {ended.stderr}")


def contents_of(wheel: Path) -> tuple[Package, list[Package]]:
    """Return the project and what its services need, as .venv has it from the lock file.

    Raises:
        ReleaseError: the file is no wheel.
    """
    metadata = _metadata(wheel)
    extras = [each for each in extras_of(metadata) if each not in DEVELOPMENT_EXTRAS]
    needed = with_dependencies(metadata, extras, _installed_metadata)
    return python_package(metadata), needed


def _metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as files:
        for name in files.namelist():
            if name.endswith(".dist-info/METADATA"):
                return files.read(name).decode()
    raise ReleaseError(f"{wheel} has no METADATA")


def _installed_metadata(name: str) -> str:
    text = distribution(name).read_text("METADATA")
    if text is None:
        raise ReleaseError(f"{name} is installed without METADATA")
    return text
