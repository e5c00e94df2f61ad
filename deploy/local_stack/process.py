"""A child process that never outlives this one, with its output in a file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from local_stack.errors import ProcessDiedError, StartError

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_POLL_SECONDS = 0.02
_TAIL_BYTES = 65536


@dataclass(frozen=True)
class Command:
    """A command line with its name, its log file and its scheduling."""

    name: str
    arguments: Sequence[str]
    log_file: Path
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    grace_seconds: float = 15  # between SIGTERM and SIGKILL
    niceness: int = 0  # 1 to 19 leave the processor to others first, as with nice(1)


class ChildProcess:
    """One run of a command, which ends with its owner even when the owner is killed."""

    def __init__(self, command: Command) -> None:
        self.command = command
        command.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = command.log_file.stat().st_size if command.log_file.exists() else 0
        self._supervisor = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(_SUPERVISOR)),
                *(str(command.grace_seconds), str(command.niceness), str(command.log_file)),
                *command.arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=command.folder,
            env=dict(command.environment),
            start_new_session=True,  # a Ctrl-C in the terminal is ours to pass on, in our order
        )
        self.pid = self._read_pid()
        self._started = time.monotonic()

    @property
    def name(self) -> str:
        """The command's name, as messages show it."""
        return self.command.name

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    @property
    def exit_code(self) -> int | None:
        """The exit code: None while it runs, 128 plus the signal's number after a signal."""
        return self._supervisor.poll()

    @property
    def running(self) -> bool:
        """True until the process has ended."""
        return self.exit_code is None

    def signal(self, number: signal.Signals) -> None:
        """Send one signal to the command itself; do nothing if it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def ask_to_stop(self) -> None:
        """Begin the shutdown (SIGTERM, later SIGKILL) without waiting for it."""
        _pipe(self._supervisor.stdin).close()

    def stop(self) -> int:
        """Shut it down and return its exit code."""
        self.ask_to_stop()
        return self.wait()

    def kill(self) -> int:
        """Kill it with SIGKILL, as a crash would."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        code = self._supervisor.wait()
        for pipe in (self._supervisor.stdin, self._supervisor.stdout, self._supervisor.stderr):
            _pipe(pipe).close()
        return code

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Wait for a condition.

        Raises:
            StartError: the process ended first, or the time was up.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.running:
                message = f"{self.name} ended with exit code {self.exit_code} before it was ready"
                raise StartError(f"{message}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                message = f"{self.name} was not ready after {timeout_seconds:.0f} s"
                raise StartError(f"{message}:\n{self.log_tail()}")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Check that it runs.

        Raises:
            ProcessDiedError: it ended; the message ends with its log.
        """
        if not self.running:
            message = f"{self.name} ended with exit code {self.exit_code}"
            raise ProcessDiedError(f"{message}, its last lines are:\n{self.log_tail()}")

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines that this run wrote."""
        with self.command.log_file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _read_pid(self) -> int:
        line = _pipe(self._supervisor.stdout).readline()
        if line:
            return int(line)
        reason = _pipe(self._supervisor.stderr).read().decode(errors="replace").strip()
        self.wait()
        last_line = reason.splitlines()[-1] if reason else "no reason given"
        raise StartError(f"{self.name} could not be started: {last_line}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # every pipe is asked for in the constructor
        raise ValueError("the supervisor has no such pipe")
    return pipe
