"""Answering GET for a few pages, beside a process's real work."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, NamedTuple

SLOWEST_CLIENT = 5.0
"""Seconds that a client has, from its connection to the last byte of the answer."""

MOST_CLIENTS = 16
"""Clients at a time; for a further one the one that has been there longest is given up."""

LONGEST_REQUEST = 16_384
"""Bytes of a request line and its headers."""

PLACE_WAIT = 1.0
"""Seconds for which a further client waits for the place of one that was given up."""


class ServedPage(NamedTuple):
    """An answer to a GET."""

    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], ServedPage]]
"""By path."""

TOO_LARGE = ServedPage(431, "application/json", b'{"status": "request too large"}\n')
NOT_FOUND = ServedPage(404, "application/json", b'{"status": "not found"}\n')


def listening(host: str, port: int) -> socket.socket:
    """Listen on `host`:`port`; port 0 is any free one.

    Raises:
        OSError: the port is taken, or the address is not one of this machine.
    """
    return socket.create_server(
        (host, port),
        family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )


class PageServer(ThreadingHTTPServer):
    """Server on a listening socket, for a bounded number of clients in a thread each.

    Several processes may share the socket: the first one to accept a connection answers it.
    """

    daemon_threads = True

    def __init__(self, listener: socket.socket, pages: Pages) -> None:
        self.pages = pages
        self._places = threading.BoundedSemaphore(MOST_CLIENTS)
        self._deadlines: dict[socket.socket, float] = {}
        """By connection, the oldest first; one that was given up is not there."""
        self._changing = threading.Lock()
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        listener.settimeout(0.0)  # another process may have been quicker to accept

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Answer a client in a thread of its own, or close its connection."""
        if not self._take_place():
            self.shutdown_request(request)
            return
        with self._changing:
            self._deadlines[request] = time.monotonic() + SLOWEST_CLIENT
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread was started
            self._leave(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Answer a client; called in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(request)

    def service_actions(self) -> None:
        """Give up the clients whose time is over; called twice a second or more often."""
        now = time.monotonic()
        with self._changing:
            overdue = [client for client, until in self._deadlines.items() if until <= now]
            for client in overdue:
                self._give_up(client)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that go away in the middle of their request."""

    def _take_place(self) -> bool:
        if self._places.acquire(blocking=False):
            return True
        with self._changing:
            oldest = next(iter(self._deadlines), None)
            if oldest is not None:
                self._give_up(oldest)
        return self._places.acquire(timeout=PLACE_WAIT)

    def _give_up(self, client: socket.socket) -> None:
        """End a connection under its thread, which then leaves."""
        del self._deadlines[client]
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _leave(self, client: socket.socket) -> None:
        with self._changing:
            self._deadlines.pop(client, None)
        self._places.release()


class _Bounded:
    """A request's bytes, up to `LONGEST_REQUEST` of them."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._left = LONGEST_REQUEST

    @property
    def is_exhausted(self) -> bool:
        return self._left <= 0

    def readline(self, most: int = -1) -> bytes:
        line = self._file.readline(min(most, self._left) if most >= 0 else self._left)
        self._left -= len(line)
        return line

    def close(self) -> None:
        self._file.close()


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = SLOWEST_CLIENT
    server_version = sys_version = ""

    def setup(self) -> None:
        super().setup()
        self._request = _Bounded(self.rfile)
        self.rfile = self._request  # type: ignore[assignment]

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if self._request.is_exhausted:
            status, content_type, body = TOO_LARGE
        else:
            status, content_type, body = page() if page else NOT_FOUND
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: probes come every few seconds."""
