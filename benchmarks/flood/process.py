"""Flood in a process of its own, for the time of a block, for tests and scenarios."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import msgspec

from benchmarks.flood.script import Outcome, Script
from local_stack.distributions.cache import REPOSITORY

END_SECONDS = 60.0


class Flood:
    """One running flood."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.pid = process.pid
        self.outcome = Outcome()
        """Outcome so far; complete when the flood has ended."""
        self._process = process
        self._begun = threading.Event()
        self._sent = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def wait_until_begun(self, seconds: float = END_SECONDS) -> None:
        """Wait until each client has connected, or was refused.

        Raises:
            TimeoutError: the server has not accepted some of them yet.
        """
        if not self._begun.wait(seconds):
            raise TimeoutError(f"after {seconds:g} s there are clients without a connection")

    def has_sent(self) -> bool:
        """Return whether each client has sent everything that it sends once, or was stopped."""
        return self._sent.is_set()

    def end(self) -> Outcome:
        """Close all connections.

        Raises:
            RuntimeError: the flood failed.
        """
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._thread.join(END_SECONDS)
        if self._process.wait(END_SECONDS):
            raise RuntimeError(f"the flood ended with {self._process.returncode}")
        return self.outcome

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            if line == "begun\n":
                self._begun.set()
            elif line == "sent\n":
                self._sent.set()
            else:
                self.outcome = msgspec.json.decode(line, type=Outcome)


@contextmanager
def flooding(url: str, scripts: Sequence[Script], niceness: int = 0) -> Iterator[Flood]:
    """Flood the server at `url` during the block."""
    address = urlsplit(url)
    arguments = (str(address.hostname), str(address.port), str(niceness))
    command = [sys.executable, "-m", "benchmarks.flood", *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        start_new_session=True,
    ) as process:
        try:
            if process.stdin is None:
                raise RuntimeError("the flood has no input")
            process.stdin.write(msgspec.json.encode(list(scripts)).decode() + "\n")
            process.stdin.flush()
            flood = Flood(process)
            yield flood
            flood.end()
        finally:
            process.kill()
