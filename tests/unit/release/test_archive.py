"""Packages that an image archive has in its file system."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from release.archive import packages_of
from release.packages import Package

SITE = "opt/campaign/lib/python3.11/site-packages"
STATUS = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2\n"


def metadata(name: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"


def tar(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def image(folder: Path, *layers: Mapping[str, str], variables: list[str]) -> Path:
    """An archive in the form of `docker save`."""
    files = {
        f"{number}.tar": tar({name: text.encode() for name, text in layer.items()})
        for number, layer in enumerate(layers)
    }
    manifest = [{"Config": "config.json", "Layers": list(files)}]
    configuration = {"config": {"Env": variables}}
    archive = folder / "image.tar"
    archive.write_bytes(
        tar(
            files
            | {
                "config.json": json.dumps(configuration).encode(),
                "manifest.json": json.dumps(manifest).encode(),
            }
        )
    )
    return archive


def test_packages_of_every_layer_are_found(tmp_path: Path) -> None:
    archive = image(
        tmp_path,
        {"./var/lib/dpkg/status": STATUS, "var/lib/dpkg/status-old": STATUS},
        {f"{SITE}/flask-1.0.dist-info/METADATA": metadata("Flask"), f"{SITE}/METADATA": "x"},
        variables=["PATH=/usr/bin", "PYTHON_VERSION=3.11.9"],
    )
    assert packages_of(archive) == [
        Package("python", "3.11.9", kind="generic"),
        Package("flask", "1.0"),
        Package("zlib1g", "1.2", kind="deb", architecture="amd64"),
    ]


def test_packages_that_a_later_layer_deletes_are_left_out(tmp_path: Path) -> None:
    archive = image(
        tmp_path,
        {
            f"{SITE}/pip-1.0.dist-info/METADATA": metadata("pip"),
            f"{SITE}/flask-1.0.dist-info/METADATA": metadata("flask"),
        },
        {f"{SITE}/.wh.pip-1.0.dist-info": ""},
        variables=[],
    )
    assert packages_of(archive) == [Package("flask", "1.0")]
