"""GET /healthz and /readyz of services that have no API, on a port of their own."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import structlog

from campaign_common.database import Database
from campaign_common.errors import UserError
from campaign_common.health import Health, checks_of
from campaign_common.settings import Settings

SLOWEST_CLIENT = 5.0
"""Seconds that a client has for its request."""

log = structlog.get_logger()


class Page(NamedTuple):
    """An answer to a GET."""

    status: int
    content_type: str
    body: bytes


Pages = Mapping[str, Callable[[], Page]]
"""By path."""


class HealthServer(ThreadingHTTPServer):
    """Answers GET requests for a few pages, each client in a thread of its own."""

    daemon_threads = True

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self.pages = pages
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that go away in the middle of their request."""


class _Handler(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = SLOWEST_CLIENT
    server_version = sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        status, content_type, body = page() if page else json_page(404, {"status": "not found"})
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: probes come every few seconds."""


def json_page(status: int, fields: Mapping[str, str]) -> Page:
    """Make a page of JSON."""
    return Page(status, "application/json", json.dumps(fields).encode() + b"\n")


def pages_of(health: Health) -> Pages:
    """Make the pages that say how a process is."""

    def alive() -> Page:
        why = health.why_dead()
        return json_page(200, {"status": "ok"}) if why is None else _trouble("stuck", why)

    def ready() -> Page:
        why = health.why_not_ready()
        return json_page(200, {"status": "ready"}) if why is None else _trouble("not ready", why)

    return {"/healthz": alive, "/readyz": ready}


@contextmanager
def health_of(
    settings: Settings, database: Database, stopping: threading.Event
) -> Iterator[Health]:
    """Answer for a service at HealthPort, where one is configured, while the block runs.

    Raises:
        UserError: the port cannot be listened on.
    """
    health = Health(checks_of(settings, database) if settings.health_port else {}, stopping)
    if not settings.health_port:
        yield health
        return
    try:
        server = HealthServer(settings.host, settings.health_port, pages_of(health))
    except OSError as error:
        raise UserError(f"HealthPort {settings.health_port}: {error.strerror}") from error
    log.info("health", port=server.port)
    for name, work in (("health", server.serve_forever), ("checks", health.keep_checking)):
        threading.Thread(target=work, name=name, daemon=True).start()
    try:
        yield health
    finally:
        server.shutdown()
        server.server_close()


def _trouble(status: str, reason: str) -> Page:
    return json_page(503, {"status": status, "reason": reason})
