"""The form of responses to callbacks."""

from collections.abc import Iterator, Sequence

import pytest
from prometheus_client import CollectorRegistry

from campaign_api.metrics import CallbackMetrics, RequestMetrics
from campaign_api.serving.callbacks.commit_batches import CommitBatches
from campaign_api.serving.callbacks.endpoint import (
    INBOUND_BOUNDS,
    CallbackBatches,
    CallbackEndpoint,
    EndpointMetrics,
)
from campaign_api.serving.callbacks.receipt_batches import ReceiptBatches
from campaign_common.database.by_server import ByServer

Lines = list[tuple[str, str]]


@pytest.fixture
def endpoint() -> Iterator[CallbackEndpoint]:
    written: list[object] = []

    def write(items: Sequence[object]) -> None:
        written.extend(items)

    registry = CollectorRegistry()
    metrics = EndpointMetrics(RequestMetrics(registry), CallbackMetrics(registry))
    receipts = ReceiptBatches(ByServer(("main",), {}), write)
    others = CommitBatches(write, INBOUND_BOUNDS)
    batches = CallbackBatches(receipts, others, others)
    yield CallbackEndpoint({}, "http://localhost", batches, metrics, places=1)
    assert written == []


def responses(
    endpoint: CallbackEndpoint, method: str, path: str
) -> tuple[str, dict[str, str], bytes]:
    begun: list[tuple[str, Lines]] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "RAW_URI": path}
    body = endpoint.respond(environ, lambda status, headers: begun.append((status, headers)))
    ((status, headers),) = begun
    return status, dict(headers), b"".join(body)


@pytest.mark.parametrize("path", ["/v1/callbacks/nobody", "/v1/inbound/nobody"])
def test_a_head_is_answered_without_a_body(endpoint: CallbackEndpoint, path: str) -> None:
    """The server would log a warning for each one with a body."""
    status, headers, body = responses(endpoint, "GET", path)
    assert (status, int(headers["Content-Length"])) == ("404 Not Found", len(body))
    without = responses(endpoint, "HEAD", path)
    assert (without[0], without[1]["Content-Length"], without[2]) == (status, str(len(body)), b"")
