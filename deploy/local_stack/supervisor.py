"""Supervisor of one command, which ends when the process that started it ends.

It runs as a script: ``python supervisor.py GRACE_SECONDS NICENESS LOG_FILE COMMAND...``. The first
line of its output is the command's process id. Its input is the lifeline: the input closes when
the owner wants the command to stop or when the owner has ended, even by SIGKILL. The command then
gets SIGTERM, and SIGKILL after the grace. The supervisor exits with the command's exit code, or
with 128 plus the signal's number.

The owner does not use Linux's parent-death signal, because that signal fires when the *thread*
that started a child ends, and servers are started from short-lived threads. The supervisor starts
the command from its main thread, so there the signal is safe: it ends the command if the
supervisor itself is killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_AUTOGROUP = "/proc/self/autogroup"
_AUTOGROUP_TRIES = 10
_AUTOGROUP_PAUSE = 0.11  # seconds; the kernel takes such a change ten times a second at most


def _death_follows_parent() -> Callable[[], None] | None:
    """Return a function for the child to run before the command; None except on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_for_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask_for_signal


def _stop(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    child.terminate()
    try:
        child.wait(timeout=grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()


def _be_nice(niceness: int) -> None:
    """Lower the priority as nice(1) does, for the session as well.

    Linux weighs sessions before the processes in them (``sched(7)``, the autogroup feature), and
    this is the first process of its session.
    """
    os.nice(niceness)
    for _ in range(_AUTOGROUP_TRIES):
        try:
            with open(_AUTOGROUP, "w") as autogroup:  # noqa: PTH123  (as below)
                autogroup.write(str(niceness))
        except BlockingIOError:
            time.sleep(_AUTOGROUP_PAUSE)
        except OSError:
            return  # a system without that feature goes by nice alone
        else:
            return


def main(arguments: list[str]) -> int:
    """Run the command until it ends or the lifeline closes."""
    grace_seconds, niceness, log_file, *command = arguments
    if int(niceness):
        _be_nice(int(niceness))
    with open(log_file, "ab") as log:  # noqa: PTH123  (pathlib would double the start-up time)
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_death_follows_parent(),  # noqa: PLW1509  (no other thread runs yet)
        )
    os.write(1, f"{child.pid}\n".encode())

    def follow_lifeline() -> None:
        while os.read(0, 4096):
            pass
        _stop(child, float(grace_seconds))

    threading.Thread(target=follow_lifeline, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
