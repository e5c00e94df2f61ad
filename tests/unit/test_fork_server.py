"""Forked programs: what tests show on them holds for those that users start."""

import os
import select
import signal
import sys
from pathlib import Path
from subprocess import TimeoutExpired

import pytest

from tests.support.services.fork_server import ForkServer
from tests.support.services.processes import completed, completed_as_installed, installed
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes have no handles")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ForkServer:
    """A fork server of a console script that is known to a folder of its own."""
    package = tmp_path / "scripts-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: scripts\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[console_scripts]\nwaiter = waiter:main\n")
    (tmp_path / "waiter.py").write_text(WAITER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return ForkServer(["waiter"])


WAITER = """
import os, sys, time

def main():
    print(sys.argv[1:], os.environ["TOLD"], os.getcwd(), file=sys.stderr)
    sys.stderr.flush()
    time.sleep(float(sys.argv[1]))
    return "an error"
"""


@pytest.mark.parametrize("words", [["--help"], ["status", "-c", "missing"], ["nothing"]])
def test_a_forked_command_ends_as_the_installed_one(words: list[str]) -> None:
    forked = completed("campaign-db", words)
    real = completed_as_installed([installed("campaign-db"), *words])
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        real.returncode,
        real.stdout,
        real.stderr,
    )


def test_arguments_environment_and_folder_are_its_own(server: ForkServer, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        process = server.start(
            Path("waiter"), ["0"], out, err, tmp_path, {**os.environ, "TOLD": "this"}
        )
        assert process.wait(30) == 1
    assert (tmp_path / "err").read_text() == f"['0'] this {tmp_path}\nan error\n"
    server.stop()


def test_signals_and_waits_are_those_of_a_popen(server: ForkServer, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        first, second = (
            server.start(Path("waiter"), ["60"], log, log, environ={"TOLD": "x"}) for _ in range(2)
        )
    with pytest.raises(TimeoutExpired):
        first.wait(0.05)
    assert first.poll() is None
    first.kill()
    second.terminate()
    assert (first.wait(30), second.wait(30)) == (-signal.SIGKILL, -signal.SIGTERM)
    second.kill()  # of what has ended: nothing happens
    assert second.poll() == -signal.SIGTERM
    server.stop()


def test_what_it_has_started_ends_with_it(server: ForkServer, tmp_path: Path) -> None:
    """As when a worker of the tests crashes."""
    with (tmp_path / "log").open("wb") as log:
        process = server.start(Path("waiter"), ["60"], log, log, environ={"TOLD": "x"})
    wait_until((tmp_path / "log").read_text, timeout=30)
    handle = os.pidfd_open(process.pid)
    server.stop()
    ending = select.poll()
    ending.register(handle, select.POLLIN)
    assert ending.poll(30_000)
    os.close(handle)
