"""Processes of services and commands that begin with their modules imported.

Importing a service takes ten times as long as everything else of its start, and the tests start
hundreds. A fork server imports a program and forks at each request. The new process has
arguments, environment, folder and output of its own, runs what the console script runs, and ends
as an interpreter ends, or with the fork server, which ends with the tests. Only Linux has the
handles of processes that this needs.
"""

import atexit
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any

LONGEST_REQUEST = 2**17
"""Bytes."""
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ForkedProcess:
    """A process that a fork server has started; it is used as a `Popen` is."""

    def __init__(self, server: "ForkServer", pid: int, args: Sequence[str]) -> None:
        self.pid = pid
        self.args = args
        self.returncode: int | None = None
        self._server = server
        self._handle = os.pidfd_open(pid)
        self._lock = threading.Lock()
        weakref.finalize(self, os.close, self._handle)

    def poll(self) -> int | None:
        return self._code_within(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the process has ended.

        Raises:
            subprocess.TimeoutExpired: it has not ended in `timeout` seconds.
        """
        code = self._code_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int, /) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, signal.Signals(number))

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _code_within(self, seconds: float | None) -> int | None:
        ending = select.poll()
        ending.register(self._handle, select.POLLIN)
        if self.returncode is None and ending.poll(None if seconds is None else seconds * 1000):
            with self._lock:
                if self.returncode is None:
                    self.returncode = self._server.reap(self.pid)
        return self.returncode


class ForkServer:
    """A process that has imported the modules of console scripts, and forks to run one."""

    def __init__(self, programs: Sequence[str]) -> None:
        self._programs = programs
        self._lock = threading.Lock()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                # -P: the folder of this file is no place to import from.
                [sys.executable, "-P", __file__, str(theirs.fileno()), *programs],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.stop)

    def start(
        self,
        script: Path,
        arguments: Sequence[str | Path],
        out: IO[Any],
        err: IO[Any],
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> ForkedProcess:
        """Run a console script with its two streams written to files."""
        request = {
            "args": [str(script), *map(str, arguments)],
            "environ": dict(environ or os.environ),
            "folder": str(folder or Path.cwd()),
        }
        pid = self._ask(request, [out.fileno(), err.fileno()])
        return ForkedProcess(self, pid, request["args"])  # type: ignore[arg-type]

    def reap(self, pid: int) -> int:
        """Return the exit code of a process that has ended, whose number is free from then on."""
        return self._ask({"reap": pid})

    def stop(self) -> None:
        self._requests.close()
        self._process.wait()

    def _ask(self, request: Mapping[str, object], files: Sequence[int] = ()) -> int:
        with self._lock:
            socket.send_fds(self._requests, [json.dumps(request).encode()], files)
            answer = self._requests.recv(LONGEST_REQUEST)
        assert answer, f"{' '.join(self._programs)} cannot be imported"
        return int(answer)


_servers: dict[Sequence[str], ForkServer] = {}
_lock = threading.Lock()


def fork_server(programs: Sequence[str]) -> ForkServer:
    """Return the fork server of these console scripts, started at the first request for it."""
    with _lock:
        if programs not in _servers:
            _servers[programs] = ForkServer(programs)
        return _servers[programs]


def _forked(requests: socket.socket) -> tuple[dict[str, Any], Sequence[int]]:
    """Serve requests; return one with its files, in the process that is to carry it out."""
    while True:
        packet, files, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 2)
        if not packet:
            sys.exit()
        request: dict[str, Any] = json.loads(packet)
        if "reap" in request:
            _, status = os.waitpid(request["reap"], 0)
            requests.send(str(os.waitstatus_to_exitcode(status)).encode())
        elif pid := os.fork():
            for file in files:
                os.close(file)
            requests.send(str(pid).encode())
        else:
            requests.close()
            return request, files


def _serve(number: int, *programs: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    scripts = entry_points(group="console_scripts")
    commands = {name: scripts[name].load() for name in programs}
    gc.freeze()  # a collection in a forked process copies nothing of what they share
    prctl = ctypes.CDLL(None).prctl
    request, files = _forked(socket.socket(fileno=number))
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()
    for stream, file in enumerate(files, 1):
        os.dup2(file, stream)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = request["args"]
    sys.exit(commands[Path(sys.argv[0]).name]())


if __name__ == "__main__":
    _serve(int(sys.argv[1]), *sys.argv[2:])
