"""The interpreter that deploy/setup.sh takes."""

import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "deploy" / "setup.sh"


def interpreter(folder: Path, name: str, *, loop_time: int, fits: bool = True) -> str:
    """A program that answers setup.sh as a Python of this speed would."""
    file = folder / name
    file.write_text(
        '#!/bin/sh\ncase "$2" in\n'
        f"*process_time*) echo {loop_time} ;;\n"
        f"*) exit {0 if fits else 1} ;;\n"
        "esac\n"
    )
    file.chmod(0o755)
    return str(file)


def choose(*candidates: str, python: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [SETUP, "--which", *candidates],
        env={"PATH": "/usr/bin:/bin"} | ({"PYTHON": python} if python else {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("times", "chosen"),
    [
        pytest.param([500], 0, id="the only one"),
        pytest.param([500, 440], 1, id="a tenth faster"),
        pytest.param([500, 460], 0, id="hardly faster"),
        pytest.param([400, 500], 0, id="slower"),
        pytest.param([500, 440, 300], 2, id="the fastest of three"),
    ],
)
def test_the_fastest_interpreter_is_taken(tmp_path: Path, times: list[int], chosen: int) -> None:
    """The first of about the same speed: a measurement is never exact."""
    candidates = [
        interpreter(tmp_path, f"python{number}", loop_time=time)
        for number, time in enumerate(times)
    ]
    assert choose(*candidates).stdout.strip() == candidates[chosen]


def test_an_interpreter_that_does_not_fit_is_left(tmp_path: Path) -> None:
    old = interpreter(tmp_path, "old", loop_time=100, fits=False)
    new = interpreter(tmp_path, "new", loop_time=500)
    assert choose(old, str(tmp_path / "missing"), new).stdout.strip() == new


def test_python_names_the_interpreter(tmp_path: Path) -> None:
    fast, slow = (
        interpreter(tmp_path, name, loop_time=time) for name, time in (("f", 100), ("s", 900))
    )
    assert choose(fast, python=slow).stdout.strip() == slow


def test_a_named_interpreter_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    old = interpreter(tmp_path, "old", loop_time=100, fits=False)
    result = choose(python=old)
    assert result.returncode == 1
    assert f"PYTHON={old} is no Python 3.11" in result.stderr
