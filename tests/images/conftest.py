"""The images of the project, built once for a run where no docker engine is needed.

Needs root, buildah and crun; without a base image by CAMP_IMAGE_BASE also debootstrap.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_stack.errors import ProgramMissingError
from tests.images.container import Image, mounted

REPOSITORY = Path(__file__).parents[2]
STORAGE = REPOSITORY / ".local" / "images"
SCRIPTS = REPOSITORY / "deploy" / "images"
TARGETS = ("api", "scheduler", "sender", "tools")
PROGRAMS = ("buildah", "crun", "debootstrap")
BASE = "localhost/python-base:3.11"

Images = Mapping[str, Image]


@pytest.fixture(scope="session")
def storage() -> Iterator[None]:
    """Images are kept in a folder of the project, and stay for the next run."""
    missing = [name for name in ("buildah", "crun", "debootstrap") if shutil.which(name) is None]
    if missing:
        raise ProgramMissingError(
            f"missing: apt install --no-install-recommends {' '.join(missing)}"
        )
    STORAGE.mkdir(parents=True, exist_ok=True)
    file = STORAGE / "storage.conf"
    file.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{STORAGE}/graph"\nrunroot = "{STORAGE}/run"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_STORAGE_CONF", str(file))
        yield


@pytest.fixture(scope="session")
def version() -> str:
    return next(
        line.split('"')[1]
        for line in (REPOSITORY / "pyproject.toml").read_text().splitlines()
        if line.startswith("version = ")
    )


@pytest.fixture(scope="session")
def images(storage: None, version: str) -> Iterator[Images]:
    base = os.environ.get("CAMP_IMAGE_BASE")
    if base is None:
        base = BASE
        subprocess.run([SCRIPTS / "base.sh", base], check=True)
    trusted = os.environ.get("PIP_CERT")
    subprocess.run(
        [SCRIPTS / "build.sh", *TARGETS],
        env={
            **os.environ,
            **({"PIP_CERTIFICATES": trusted} if trusted else {}),
            "ENGINE": "buildah",
            "BASE": base,
        },
        check=True,
    )
    with ExitStack() as stack:
        yield {
            target: stack.enter_context(mounted(f"localhost/campaign-{target}:{version}"))
            for target in TARGETS
        }
