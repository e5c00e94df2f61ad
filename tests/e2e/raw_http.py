"""HTTP requests a byte at a time: also such as no client library would send."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """A response; `status` is 0 if the connection was closed without one."""

    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


class RawConnection:
    """One connection; what is sent is not looked at."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def end(self) -> None:
        """Send nothing any more, and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def exchange(self, data: bytes) -> bytes:
        """Send bytes, all or as far as they are taken, and read until the server ends it."""
        received = b""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send(data)
        with suppress(ConnectionResetError):
            while piece := self._socket.recv(65_536):
                received += piece
        return received

    def answer(self) -> Answer:
        with HTTPResponse(self._socket) as response:
            try:
                response.begin()
                return Answer(response.status, response.read())
            except (OSError, ValueError, EOFError):
                return Answer(0, b"")


def exchange(url: str, pieces: Iterable[bytes]) -> Answer:
    """Send a whole request and read its answer, which may come before all is sent."""
    connection = RawConnection(url)

    def send() -> None:
        with suppress(OSError):
            for piece in pieces:
                connection.send(piece)
            connection.end()

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    try:
        return connection.answer()
    finally:
        connection.close()
        sending.join()


def head(method: str, target: str, **headers: str) -> bytes:
    """Write a request's head; underscores in names of headers become hyphens."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Frame pieces as Transfer-Encoding: chunked has it."""
    for piece in pieces:
        if piece:
            yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
