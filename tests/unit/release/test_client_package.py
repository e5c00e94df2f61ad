"""The client of the API as a distribution of its own, built and imported without the project."""

import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import requests

from release.images import REPOSITORY

CLIENT = REPOSITORY / "libs" / "client"
SITE_PACKAGES = Path(requests.__file__).parents[1]

IMPORT = """
import sys
sys.path[:0] = sys.argv[1:]
import campaign_client
assert campaign_client.__file__.startswith(sys.argv[1]), campaign_client.__file__
campaign_client.Client("http://localhost:10001", "key\\n")
print(*sorted({name.split(".")[0] for name in sys.modules if name.startswith("campaign")}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    building = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(building, cwd=CLIENT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    (sources,) = folder.glob("*.tar.gz")
    assert found.name.startswith("camp_mgr_client-")
    assert sources.name.startswith("camp_mgr_client-")
    return found


def test_the_client_is_imported_alone(wheel: Path) -> None:
    """Without .pth files, so that no other package of the project can be found."""
    ended = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT, wheel, SITE_PACKAGES],
        check=False,
        capture_output=True,
        text=True,
        cwd=wheel.parent,
    )
    assert (ended.stdout, ended.stderr) == ("campaign_client\n", "")


def test_the_wheel_of_the_client_is_whole(wheel: Path) -> None:
    """Every module, the mark of types, the licence; the version and libraries of the project."""
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        (path,) = (name for name in names if name.endswith("/METADATA"))
        metadata = message_from_string(files.read(path).decode())
    modules = {f"campaign_client/{file.name}" for file in (CLIENT / "campaign_client").glob("*.py")}
    assert {name for name in names if ".dist-info/" not in name} == {
        *modules,
        "campaign_client/py.typed",
    }
    assert f"{path.removesuffix('METADATA')}licenses/LICENSE" in names
    whole = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert metadata["Version"] == whole["version"]
    alone = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    extras = [*alone["dependencies"], *alone["optional-dependencies"]["webhooks"]]
    assert sorted(whole["optional-dependencies"]["client"]) == sorted(extras)
