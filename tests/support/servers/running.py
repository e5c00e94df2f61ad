"""Servers that run for the time of a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Startable(Protocol):
    """Server that is started once."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@contextmanager
def running(server: Startable) -> Iterator[None]:
    """Start a server, and stop it in the end, also where it did not start as a whole."""
    try:
        server.start()
        yield
    finally:
        server.stop()
