"""GET /healthz and /readyz of services that have no API, on a port of their own."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from campaign_common.database import Databases
from campaign_common.errors import UserError
from campaign_common.health.checks import INTERVAL, HealthMonitor, checks_of
from campaign_common.runtime.page_server import Pages, PageServer, ServedPage, listening
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.settings import Settings

log = structlog.get_logger()


def json_page(status: int, fields: Mapping[str, str]) -> ServedPage:
    """Make a page of JSON."""
    return ServedPage(status, "application/json", json.dumps(fields).encode() + b"\n")


def pages_of(health: HealthMonitor) -> Pages:
    """Make the pages that say how a process is."""

    def alive() -> ServedPage:
        why = health.why_dead()
        return json_page(200, {"status": "ok"}) if why is None else _trouble("stuck", why)

    def ready() -> ServedPage:
        why = health.why_not_ready()
        return json_page(200, {"status": "ready"}) if why is None else _trouble("not ready", why)

    return {"/healthz": alive, "/readyz": ready}


@contextmanager
def health_of(
    settings: Settings, databases: Databases, stopping: threading.Event
) -> Iterator[HealthMonitor]:
    """Answer for a service at HealthPort, where one is configured, while the block runs.

    Raises:
        UserError: the port cannot be listened on.
    """
    health = HealthMonitor(checks_of(settings, databases) if settings.health_port else {}, stopping)
    if not settings.health_port:
        yield health
        return
    try:
        server = PageServer(listening(settings.host, settings.health_port), pages_of(health))
    except OSError as error:
        raise UserError(f"HealthPort {settings.health_port}: {error.strerror}") from error
    log.info("health server started", port=server.port)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    checking = PeriodicThread("health-checks", INTERVAL, health.check, at_once=True)
    checking.start()
    try:
        yield health
    finally:
        checking.stop(wait=False)  # a check may be waiting for a server that does not answer
        server.shutdown()
        server.server_close()


def _trouble(status: str, reason: str) -> ServedPage:
    return json_page(503, {"status": status, "reason": reason})
