"""A server that treats each connection as a test's script says, and keeps what it was sent."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

WHOLE = b'HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n{"id":"abc"}'


class Request(NamedTuple):
    """One complete request, and the number of the connection it came on."""

    connection: int
    head: str
    body: bytes

    @property
    def key(self) -> str:
        return self.head.partition("Idempotency-Key: ")[2].partition("\r\n")[0]


class Visitor:
    """One connection, from the server's side."""

    def __init__(self, server: "ScriptedServer", connection: socket.socket, number: int) -> None:
        self._server = server
        self._connection = connection
        self._unread = b""
        self.number = number

    def request(self) -> Request | None:
        """Wait for the next request; None when the client has closed."""
        while b"\r\n\r\n" not in self._unread:
            if not self._read():
                return None
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        text = head.decode("ascii")
        length = int(text.partition("Content-Length: ")[2].partition("\r\n")[0])
        self._unread = rest
        while len(self._unread) < length:
            if not self._read():
                return None
        request = Request(self.number, text, self._unread[:length])
        self._unread = self._unread[length:]
        self._server.commands.append(request)
        return request

    def say(self, text: bytes) -> None:
        self._connection.sendall(text)

    def closed_by_client(self) -> bool:
        """Wait until the client closes; False when it sends something instead."""
        return not self._read()

    def _read(self) -> bool:
        part = self._connection.recv(65_536)
        self._unread += part
        return bool(part)


Script = Callable[[Visitor], None]
"""Handler of one connection, which is closed when the handler returns."""


class ScriptedServer:
    """Listens on a port of 127.0.0.1; `requests` fills up while it runs."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.commands: list[Request] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://localhost:{self.port}/messages"

    def close(self) -> None:
        # A thread that waits in accept() or recv() wakes up from shutdown, not from close.
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                arguments = (connection, self.connections)
                threading.Thread(target=self._treat, args=arguments, daemon=True).start()

    def _treat(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                self._script(Visitor(self, connection, number))


@contextmanager
def scripted_server(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(script, tls)
    try:
        yield server
    finally:
        server.close()


def answer_all(visitor: Visitor) -> None:
    """The friendly script: every request is taken."""
    while visitor.request():
        visitor.say(WHOLE)


def answer_each(*answers: bytes) -> Script:
    """A script that gives these answers to the requests of each connection, then closes it."""

    def script(visitor: Visitor) -> None:
        for answer in answers:
            if visitor.request():
                visitor.say(answer)

    return script
