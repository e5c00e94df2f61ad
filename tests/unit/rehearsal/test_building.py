"""Programs of a rehearsal, and the error where they cannot be built."""

import re
import shutil
from pathlib import Path

import pytest

from local_stack.distributions.cache import Cache
from local_stack.errors import DownloadError, ProgramMissingError
from rehearsal import building
from rehearsal.building import ETCD, KEDA_SUMS, KUBERNETES, KWOK


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_every_module_of_kubernetes_is_of_one_release() -> None:
    _, minor, patch = building.versions()[KUBERNETES].split(".")
    text = (building.PROGRAMS / "go.mod").read_text()
    replaced = re.findall(r"^\t(k8s\.io/\S+) => (k8s\.io/\S+) (\S+)$", text, re.MULTILINE)
    assert len(replaced) > 20
    assert {(name == other, version) for name, other, version in replaced} == {
        (True, f"v0.{minor}.{patch}")
    }


def test_every_module_that_is_built_has_a_checksum() -> None:
    sums = (building.PROGRAMS / "go.sum").read_text()
    for module in (KUBERNETES, ETCD, KWOK):
        assert f"{module} v{building.versions()[module]} h1:" in sums


def test_other_modules_are_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = building.programs_name()
    assert before.startswith(f"control-plane-{building.versions()[KUBERNETES]}-")
    other = shutil.copytree(building.PROGRAMS, tmp_path / "other")
    monkeypatch.setattr(building, "PROGRAMS", other)
    assert building.programs_name() == before
    with (other / "go.sum").open("a") as sums:
        sums.write("example.com/other v1.0.0 h1:x=\n")
    assert building.programs_name() != before


def test_missing_go_is_named_with_the_way_to_get_it(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(ProgramMissingError, match=r"Go 1\.\d+ or newer.*https://go\.dev/dl/"):
        building.find_programs(Cache(tmp_path / "cache"))
    assert not list((tmp_path / "cache").glob("control-plane-*"))


def test_what_is_in_the_cache_is_taken_again(programs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / building.programs_name()
    folder.mkdir(parents=True)
    assert building.find_programs(Cache(tmp_path / "cache")).path("kubectl") == folder / "kubectl"


def test_a_build_that_fails_says_why(programs: Path, tmp_path: Path) -> None:
    go = programs / "go"
    go.write_text("#!/bin/sh\necho 'no such module' >&2\nexit 1\n")
    go.chmod(0o755)
    with pytest.raises(DownloadError, match="no such module"):
        building.find_programs(Cache(tmp_path / "cache"))


def test_another_keda_under_the_same_version_is_refused(programs: Path, tmp_path: Path) -> None:
    go = programs / "go"
    go.write_text("""#!/bin/sh\necho '{"Sum": "h1:another=", "Dir": "/nowhere"}'\n""")
    go.chmod(0o755)
    with pytest.raises(DownloadError, match="h1:another=, not the pinned one"):
        building.find_keda_definitions(Cache(tmp_path / "cache"), next(iter(KEDA_SUMS)))
