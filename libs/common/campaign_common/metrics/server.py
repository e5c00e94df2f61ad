"""GET /metrics, on a port of its own."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from campaign_common.database import Database
from campaign_common.errors import UserError
from campaign_common.metrics.process import BuildInfo, PoolUse
from campaign_common.runtime.page_server import PageServer, ServedPage, listening
from campaign_common.settings import Settings

log = structlog.get_logger()


def listening_for_metrics(settings: Settings) -> socket.socket:
    """Listen on MetricsPort.

    Raises:
        UserError: the port cannot be listened on.
    """
    try:
        return listening(settings.host, settings.metrics_port)
    except OSError as error:
        raise UserError(f"MetricsPort {settings.metrics_port}: {error.strerror}") from error


@contextmanager
def serving(listener: socket.socket, registry: CollectorRegistry) -> Iterator[None]:
    """Answer for `registry` through a listening socket while the block runs; closes the socket."""

    def page() -> ServedPage:
        return ServedPage(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry))

    server = PageServer(listener, {"/metrics": page})
    log.info("metrics server started", port=server.port)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def metrics_of(
    settings: Settings, service: str, databases: Sequence[Database]
) -> Iterator[CollectorRegistry]:
    """Answer for a service of one process at MetricsPort, where one is configured.

    What is registered while the block runs is told too.

    Raises:
        UserError: the port cannot be listened on.
    """
    registry = CollectorRegistry()
    if not settings.metrics_port:
        yield registry
        return
    # The time at which a counter began is no metric here: counters begin with their process.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry.register(BuildInfo(service))
    registry.register(PoolUse(databases))
    ProcessCollector(registry=registry)
    with serving(listening_for_metrics(settings), registry):
        yield registry
