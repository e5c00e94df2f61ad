"""The form of responses to callbacks."""

from collections.abc import Iterator, Sequence

import pytest
from prometheus_client import CollectorRegistry

from campaign_api.metrics import CallbackMetrics, RequestMetrics
from campaign_api.serving.callbacks.endpoint import CallbackEndpoint, EndpointMetrics
from campaign_api.serving.callbacks.receipt_batches import ReceiptBatches
from campaign_api.serving.callbacks.receipt_stores import ReceiptStores
from campaign_common.database.by_server import ByServer
from campaign_common.domain.receipts.message_receipt import MessageReceipt

Lines = list[tuple[str, str]]


@pytest.fixture
def endpoint() -> Iterator[CallbackEndpoint]:
    written: list[MessageReceipt] = []

    def write(receipts: Sequence[MessageReceipt]) -> None:
        written.extend(receipts)

    registry = CollectorRegistry()
    metrics = EndpointMetrics(RequestMetrics(registry), CallbackMetrics(registry))
    batches = ReceiptBatches(ByServer(("main",), {}), write)
    stores = ReceiptStores(batches, ReceiptBatches(ByServer(("main",), {}), write))
    yield CallbackEndpoint({}, "http://localhost", stores, metrics, places=1)
    assert written == []


def responses(endpoint: CallbackEndpoint, method: str) -> tuple[str, dict[str, str], bytes]:
    begun: list[tuple[str, Lines]] = []
    path = "/v1/callbacks/nobody"
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "RAW_URI": path}
    body = endpoint.respond(environ, lambda status, headers: begun.append((status, headers)))
    ((status, headers),) = begun
    return status, dict(headers), b"".join(body)


def test_a_head_is_answered_without_a_body(endpoint: CallbackEndpoint) -> None:
    """The server would log a warning for each one with a body."""
    status, headers, body = responses(endpoint, "GET")
    assert (status, int(headers["Content-Length"])) == ("404 Not Found", len(body))
    without = responses(endpoint, "HEAD")
    assert (without[0], without[1]["Content-Length"], without[2]) == (status, str(len(body)), b"")
