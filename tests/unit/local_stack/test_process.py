import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local_stack.distributions.cache import REPOSITORY
from local_stack.errors import ProcessDiedError, StartError
from local_stack.process import ChildProcess, Command

_STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)"
_SLEEP = "; time.sleep(600)"


def _python(folder: Path, code: str, grace_seconds: float = 10) -> Command:
    return Command(
        name="example",
        arguments=[sys.executable, "-c", code],
        log_file=folder / "example.log",
        folder=folder,
        grace_seconds=grace_seconds,
    )


def test_process_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    child = ChildProcess(_python(tmp_path, "import sys; print('no disk'); sys.exit(3)"))
    with pytest.raises(StartError, match="exit code 3 before it was ready:\nno disk"):
        child.wait_until(lambda: False, 10)
    with pytest.raises(ProcessDiedError, match="exit code 3"):
        child.check()


def test_process_that_stays_silent_is_given_up(tmp_path: Path) -> None:
    child = ChildProcess(_python(tmp_path, f"import time{_SLEEP}"))
    with pytest.raises(StartError, match="not ready after 0 s"):
        child.wait_until(lambda: False, 0.1)
    child.kill()


def test_missing_program_is_one_line(tmp_path: Path) -> None:
    command = Command("example", [str(tmp_path / "absent")], tmp_path / "log", tmp_path)
    with pytest.raises(StartError, match="example could not be started") as raised:
        ChildProcess(command)
    assert "\n" not in str(raised.value)


def test_stop_is_sigterm_first(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time; signal.signal(15, lambda *_: (print('tidy'), sys.exit(0)));"
        f"print('up', flush=True){_SLEEP}"
    )
    child = ChildProcess(_python(tmp_path, code))
    child.wait_until(lambda: "up" in child.log_tail(), 10)
    assert child.stop() == 0
    assert "tidy" in child.log_tail()


def test_stop_kills_what_ignores_sigterm(tmp_path: Path) -> None:
    child = ChildProcess(_python(tmp_path, _STUBBORN + _SLEEP, grace_seconds=0.2))
    child.wait_until(lambda: "up" in child.log_tail(), 10)
    assert child.stop() == 128 + signal.SIGKILL


@pytest.mark.parametrize("niceness", [0, 7])
def test_a_process_is_as_nice_as_it_is_to_be(tmp_path: Path, niceness: int) -> None:
    command = _python(tmp_path, "import os; print(os.nice(0))")
    child = ChildProcess(replace(command, niceness=niceness))
    child.wait()
    assert int(child.log_tail(lines=1)) == os.nice(0) + niceness


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions are not weighed")
@pytest.mark.parametrize("niceness", [0, 7])
def test_a_nice_process_is_so_in_its_session_too(tmp_path: Path, niceness: int) -> None:
    code = "import pathlib; print(pathlib.Path('/proc/self/autogroup').read_text().strip())"
    child = ChildProcess(replace(_python(tmp_path, code), niceness=niceness))
    child.wait()
    assert re.search(rf"nice {niceness}$", child.log_tail(lines=1))


def test_nothing_outlives_an_owner_killed_with_sigkill(tmp_path: Path) -> None:
    owner_code = (
        "import sys, time; from pathlib import Path;"
        "from local_stack.process import ChildProcess, Command;"
        f"child = ChildProcess(Command('example', [sys.executable, '-c', {_STUBBORN + _SLEEP!r}],"
        " Path(sys.argv[1]) / 'log', Path(sys.argv[1]), grace_seconds=0.2));"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", owner_code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "deploy")},
    )
    assert owner.stdout is not None
    child = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.wait()
    owner.stdout.close()
    child.wait(timeout=10)


def test_log_of_an_earlier_run_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "example.log").write_text("yesterday\n")
    child = ChildProcess(_python(tmp_path, "print('today')"))
    deadline = time.monotonic() + 10
    while child.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.log_tail() == "today"
    child.wait()
