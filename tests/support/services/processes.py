"""Services and commands as real processes; services end with the test that started them."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from typing import IO, Protocol

from tests.support.services.fork_server import fork_server

STOP_SECONDS = 30

SHOWN_OF_A_LOG = 8_000
"""Number of characters."""

COMMANDS = ("campaign", "campaign-db", "campaign-topics")
COMMAND_SECONDS = 120
"""A command has ended after that, however busy the machine is."""


class Process(Protocol):
    """A process that a test has started."""

    pid: int

    @property
    def args(self) -> object: ...

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def installed(program: str) -> Path:
    """Return the console script of that name beside the interpreter that runs the tests."""
    return Path(sys.executable).parent / program


def started(program: str, config: Path, log: IO[bytes], folder: Path | None = None) -> Process:
    """Run `program -c config`, in `folder` where one is named.

    It begins with its modules imported where the system can do that; `started_as_installed` has
    the console script begin as users have it.
    """
    if sys.platform != "linux":
        return started_as_installed(program, config, log, folder)
    return fork_server((program,)).start(installed(program), ["-c", config], log, log, folder)


def started_as_installed(
    program: str, config: Path, log: IO[bytes], folder: Path | None = None
) -> Process:
    """Run `program -c config` by its console script."""
    return subprocess.Popen([installed(program), "-c", config], stdout=log, stderr=log, cwd=folder)


def completed(
    program: str, arguments: Sequence[str | Path], environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end; it begins with its modules imported where that can be."""
    if sys.platform != "linux":
        return completed_as_installed([installed(program), *arguments], environ)
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        server = fork_server(COMMANDS if program in COMMANDS else (program,))
        process = server.start(installed(program), arguments, out, err, environ=environ)
        try:
            code = process.wait(COMMAND_SECONDS)
        finally:
            process.kill()
            process.wait()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(process.args, code, out.read(), err.read())


def completed_as_installed(
    command: Sequence[str | Path], environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, as users have it."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
        env=environ,
    )


@contextmanager
def running(program: str, config: Path, *, as_installed: bool = False) -> Iterator[Process]:
    """Run `program -c config`, logging beside the configuration.

    It is stopped in order at the end, unless the test has ended it. The error of a failing test
    shows the end of the log.
    """
    log_file = config.parent / f"{program}-{token_hex(2)}.log"
    start = started_as_installed if as_installed else started
    with log_file.open("wb") as log:
        process = start(program, config, log)
    try:
        with stopped_in_order(process):
            yield process
    except BaseException as error:
        said = log_file.read_text(errors="replace")[-SHOWN_OF_A_LOG:]
        error.add_note(f"{program} ended with {process.returncode}; {log_file.name} ends:\n{said}")
        raise


@contextmanager
def stopped_in_order(process: Process) -> Iterator[None]:
    """Stop a process at the end; one that does not stop in time is killed, and fails the test."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            process.wait()


def kill(process: Process) -> None:
    """End a process as a crash would."""
    process.kill()
    process.wait()
