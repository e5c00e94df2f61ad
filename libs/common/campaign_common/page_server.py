"""Answering GET for a few pages, beside a process's real work."""

import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

SLOWEST_CLIENT = 5.0
"""Seconds that a client has for its request."""


class Page(NamedTuple):
    """An answer to a GET."""

    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Page]]
"""By path."""

NOT_FOUND = Page(404, "application/json", b'{"status": "not found"}\n')


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
    """Answers through a listening socket, each client in a thread of its own.

    Several processes may share the socket: whoever comes first answers.
    """

    daemon_threads = True

    def __init__(self, listener: socket.socket, pages: Pages) -> None:
        self.pages = pages
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        listener.settimeout(0.0)  # another process may have been quicker to accept

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that go away in the middle of their request."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = SLOWEST_CLIENT
    server_version = sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        status, content_type, body = page() if page else NOT_FOUND
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: probes come every few seconds."""
