"""The console scripts as real processes, ended with the test that started them."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

Process = subprocess.Popen[bytes]

STOP_SECONDS = 30

SHOWN_OF_A_LOG = 8_000
"""Number of characters."""


def installed(program: str) -> Path:
    """Return the console script of that name beside the interpreter that runs the tests."""
    return Path(sys.executable).parent / program


@contextmanager
def running(program: str, config: Path) -> Iterator[Process]:
    """Run `program -c config`, logging beside the configuration.

    It is stopped in order at the end, unless the test has ended it. The error of a failing test
    shows the end of the log.
    """
    log_file = config.parent / f"{program}-{token_hex(2)}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([installed(program), "-c", config], stdout=log, stderr=log)
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
