"""Packages in an image, read from the archive that `docker load` takes."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from release.packages import Package, debian_packages, python_package

_STATUS = PurePosixPath("var/lib/dpkg/status")
_METADATA = re.compile(r"(.*/)?(site|dist)-packages/[^/]+\.dist-info/METADATA")
_DELETED = ".wh."
_PYTHON = "PYTHON_VERSION="
"""Variable of the base images that build Python themselves."""


def packages_of(archive: Path) -> list[Package]:
    """Return the Debian and the Python packages that are in the file system of an image."""
    with tarfile.open(archive) as image:
        manifest = json.load(_open(image, "manifest.json"))[0]
        files: dict[PurePosixPath, str] = {}
        for layer in manifest["Layers"]:
            _apply(_open(image, layer), files)
        variables = json.load(_open(image, manifest["Config"]))["config"].get("Env") or []
    found = [
        package
        for path, text in sorted(files.items())
        for package in (debian_packages(text) if path == _STATUS else [python_package(text)])
    ]
    return [*_python(variables), *found]


def _apply(layer: IO[bytes], files: dict[PurePosixPath, str]) -> None:
    """Add the metadata files of a layer, and remove what the layer deletes."""
    with tarfile.open(fileobj=layer, mode="r:*") as members:
        for member in members:
            path = PurePosixPath(member.name.removeprefix("./"))
            if path.name.startswith(_DELETED):
                deleted = path.with_name(path.name.removeprefix(_DELETED))
                for each in [each for each in files if each.is_relative_to(deleted)]:
                    del files[each]
            elif member.isfile() and (path == _STATUS or _METADATA.fullmatch(str(path))):
                files[path] = _open(members, member).read().decode()


def _open(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(member)
    if content is None:
        raise KeyError(member)
    return content


def _python(variables: list[str]) -> Iterator[Package]:
    for variable in variables:
        if variable.startswith(_PYTHON):
            yield Package("python", variable.removeprefix(_PYTHON), kind="generic")
