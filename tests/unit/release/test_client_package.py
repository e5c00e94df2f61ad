"""The client of the API as a distribution of its own, built and imported without the project."""

import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from release.errors import ReleaseError
from release.images import REPOSITORY
from release.wheel import CLIENT, build_wheel, require_client_alone


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    found = build_wheel(folder, CLIENT)
    (sources,) = folder.glob("*.tar.gz")
    assert found.name.startswith("camp_mgr_client-")
    assert sources.name.startswith("camp_mgr_client-")
    return found


def test_the_client_is_imported_alone(wheel: Path) -> None:
    require_client_alone(wheel)


def test_a_client_that_needs_the_project_is_refused(wheel: Path, tmp_path: Path) -> None:
    changed = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as files, zipfile.ZipFile(changed, "w") as written:
        for name in files.namelist():
            text = files.read(name)
            if name == "campaign_client/__init__.py":
                text = b"import campaign_common\n" + text
            written.writestr(name, text)
    with pytest.raises(ReleaseError, match="cannot be used alone"):
        require_client_alone(changed)


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
