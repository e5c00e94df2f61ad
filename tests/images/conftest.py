"""The images of the project, built once for a run where no docker engine is needed.

Needs root, buildah and crun; without a base image by CAMP_IMAGE_BASE also debootstrap.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from release.images import REPOSITORY, TARGETS, build_with_buildah, buildah_environment
from tests.images.container import Image, mounted

Images = Mapping[str, Image]


@pytest.fixture(scope="session")
def storage() -> Iterator[Mapping[str, str]]:
    """Images are kept in a folder of the project, and stay for the next run."""
    environment = buildah_environment("crun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_STORAGE_CONF", environment["CONTAINERS_STORAGE_CONF"])
        yield environment


@pytest.fixture(scope="session")
def version() -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return str(project["version"])


@pytest.fixture(scope="session")
def images(storage: Mapping[str, str], version: str) -> Iterator[Images]:
    build_with_buildah(storage)
    with ExitStack() as stack:
        yield {
            target: stack.enter_context(mounted(f"localhost/campaign-{target}:{version}"))
            for target in TARGETS
        }
