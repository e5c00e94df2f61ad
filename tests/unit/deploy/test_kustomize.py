"""Program that renders the overlays."""

from pathlib import Path

import pytest

from local_stack.distributions.cache import Cache
from local_stack.errors import ProgramMissingError
from manifests.kustomize import find_kustomize

OLD_KUBECTL = '{"clientVersion": {"major": "1", "minor": "20"}}'
NEW_KUBECTL = '{"clientVersion": {"major": "1", "minor": "32"}, "kustomizeVersion": "v5.5.0"}'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(folder: Path, program: str, answer: str) -> None:
    """Put a program there that answers every question with the same."""
    (folder / program).write_text(f"#!/bin/sh\necho '{answer}'\n")
    (folder / program).chmod(0o755)


def test_what_is_installed_is_taken(programs: Path, tmp_path: Path) -> None:
    install(programs, "kubectl", NEW_KUBECTL)
    assert find_kustomize(Cache(tmp_path / "cache")).command == ("kubectl", "kustomize")
    install(programs, "kustomize", "v5.7.1")
    assert find_kustomize(Cache(tmp_path / "cache")).command == ("kustomize", "build")
    assert not (tmp_path / "cache").exists()


def test_what_is_too_old_is_not_taken(programs: Path, tmp_path: Path) -> None:
    install(programs, "kustomize", "v4.5.7")
    install(programs, "kubectl", OLD_KUBECTL)
    with pytest.raises(ProgramMissingError, match=r"kubectl 1\.27 or newer, or Go is needed"):
        find_kustomize(Cache(tmp_path / "cache"))


def test_what_is_in_the_cache_is_taken_again(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "cache" / "kubectl-debian-sid").mkdir(parents=True)
    program, command = find_kustomize(Cache(tmp_path / "cache")).command
    assert program == str(tmp_path / "cache" / "kubectl-debian-sid" / "usr" / "bin" / "kubectl")
    assert command == "kustomize"
