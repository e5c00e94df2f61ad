"""The project's wheel and source archive, with the packages that the wheel needs."""

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


def build_wheel(folder: Path) -> Path:
    """Build wheel and source archive without the network, and return the wheel.

    Raises:
        subprocess.CalledProcessError: hatchling failed.
    """
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=REPOSITORY, check=True
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


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
