"""Images of all targets, built and saved by docker, or by buildah where no docker runs."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from release.errors import ReleaseError

REPOSITORY = Path(__file__).resolve().parents[2]
STORAGE = REPOSITORY / ".local" / "images"
"""Images and layers of buildah, which stay for the next time."""

TARGETS = ("api", "scheduler", "sender", "tools")
BASE = "localhost/python-base:3.11"
PROGRAMS = ("buildah", "debootstrap")

_SCRIPTS = REPOSITORY / "deploy" / "images"


def find_engine() -> str:
    """Return docker where its engine runs, and else buildah."""
    if shutil.which("docker") is not None:
        running = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if running.returncode == 0:
            return "docker"
    return "buildah"


def buildah_environment(*programs: str) -> Mapping[str, str]:
    """Return an environment in which buildah keeps its images in `STORAGE`.

    Raises:
        ReleaseError: buildah, debootstrap or one of `programs` is missing.
    """
    missing = [name for name in (*PROGRAMS, *programs) if shutil.which(name) is None]
    if missing:
        raise ReleaseError(f"missing: apt install --no-install-recommends {' '.join(missing)}")
    STORAGE.mkdir(parents=True, exist_ok=True)
    file = STORAGE / "storage.conf"
    folders = f'graphroot = "{STORAGE}/graph"\nrunroot = "{STORAGE}/run"\n'
    file.write_text(f'[storage]\ndriver = "overlay"\n{folders}', encoding="utf-8")
    return {**os.environ, "CONTAINERS_STORAGE_CONF": str(file)}


def build_with_buildah(environment: Mapping[str, str]) -> None:
    """Build the images of all targets, on CAMP_IMAGE_BASE or on a base of Debian's packages.

    Raises:
        subprocess.CalledProcessError: an image could not be built.
    """
    base = environment.get("CAMP_IMAGE_BASE")
    if base is None:
        base = BASE
        subprocess.run([_SCRIPTS / "base.sh", base], env=dict(environment), check=True)
    trusted = environment.get("PIP_CERT")
    subprocess.run(
        [_SCRIPTS / "build.sh", *TARGETS],
        env={
            **environment,
            **({"PIP_CERTIFICATES": trusted} if trusted else {}),
            "ENGINE": "buildah",
            "BASE": base,
        },
        check=True,
    )


def save_images(folder: Path, version: str) -> dict[str, Path]:
    """Build the images, and save each as an archive for `docker load`; return them by target.

    Raises:
        ReleaseError: no engine is installed.
        subprocess.CalledProcessError: an image could not be built.
    """
    archives = {target: folder / f"campaign-{target}-{version}.tar" for target in TARGETS}
    if find_engine() == "docker":
        subprocess.run([_SCRIPTS / "build.sh", *TARGETS], check=True)
        for target, archive in archives.items():
            subprocess.run(
                ["docker", "save", "-o", archive, f"campaign-{target}:{version}"], check=True
            )
        return archives
    environment = buildah_environment()
    build_with_buildah(environment)
    for target, archive in archives.items():
        name = f"campaign-{target}:{version}"
        subprocess.run(
            ["buildah", "push", "-q", f"localhost/{name}", f"docker-archive:{archive}:{name}"],
            env=dict(environment),
            check=True,
        )
    return archives
