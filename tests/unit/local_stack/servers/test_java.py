from pathlib import Path

import pytest

from local_stack.errors import ProgramMissingError
from local_stack.servers.java import find_java


def _install_java(folder: Path, version: str) -> Path:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return java


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    java = _install_java(tmp_path / "bin", "17.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == str(java)


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.21"])
def test_old_java_is_refused_with_the_way_to_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    _install_java(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("local_stack.servers.java._HOMEBREW", ())
    with pytest.raises(ProgramMissingError, match=r"Java 17 or newer is missing.*make setup"):
        find_java()
