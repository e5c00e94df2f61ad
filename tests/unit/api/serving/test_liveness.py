"""Liveness probes in the loop: the application's response, without its hooks."""

import pytest
from flask import Response, g, jsonify, request
from prometheus_client import CollectorRegistry
from werkzeug.test import create_environ

from campaign_api.metrics import RequestMetrics
from campaign_api.serving.responses.liveness import Liveness
from campaign_api.web.routing.application import Application


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def liveness(registry: CollectorRegistry) -> Liveness:
    app = Application(__name__)
    app.extensions["metrics"] = RequestMetrics(registry)

    @app.before_request
    def begin() -> None:
        g.id = request.headers.get("X-Request-Id", "of the first")

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.id
        response.headers["traceparent"] = "of the first"
        response.headers["X-Frame-Options"] = "DENY"
        return response

    @app.get("/healthz")
    def alive() -> Response:
        return jsonify(status="ok")

    return Liveness(app)


def respond(liveness: Liveness, **changes: str) -> tuple[str, dict[str, str], bytes] | None:
    begun: list[tuple[str, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]], _failure: object = None) -> None:
        begun.append((status, dict(headers)))

    body = liveness.respond(create_environ("/healthz", environ_overrides=changes), start)
    return None if body is None else (*begun[0], b"".join(body))


def test_a_probe_has_the_response_of_the_application(liveness: Liveness) -> None:
    first, second = respond(liveness), respond(liveness)
    assert first is not None
    assert second is not None
    assert second[0] == first[0] == "200 OK"
    assert second[2] == first[2] != b""
    assert second[1].keys() == first[1].keys() > {"X-Frame-Options", "Content-Length"}
    changed = {name for name in first[1] if first[1][name] != second[1][name]}
    assert changed == {"X-Request-Id", "traceparent"}
    assert (len(second[1]["X-Request-Id"]), len(second[1]["traceparent"])) == (32, 55)


def test_probes_are_counted(liveness: Liveness, registry: CollectorRegistry) -> None:
    """The first one is counted by the application."""
    labels = {"method": "GET", "route": "/healthz", "status": "2xx"}
    for _ in range(3):
        respond(liveness)
    assert registry.get_sample_value("campaign_http_requests_total", labels) == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"REQUEST_METHOD": "POST"}, id="another method"),
        pytest.param({"QUERY_STRING": "a=b"}, id="a query"),
        pytest.param({"HTTP_HOST": ""}, id="no host"),
        pytest.param({"HTTP_X_REQUEST_ID": "mine"}, id="an id"),
        pytest.param({"HTTP_TRACEPARENT": "mine"}, id="a trace"),
        pytest.param({"CONTENT_LENGTH": "1"}, id="a body"),
        pytest.param({"HTTP_TRANSFER_ENCODING": "chunked"}, id="a body in chunks"),
    ],
)
def test_other_requests_are_left_to_the_application(
    liveness: Liveness, registry: CollectorRegistry, changes: dict[str, str]
) -> None:
    labels = {"method": "GET", "route": "/healthz", "status": "2xx"}
    respond(liveness)
    assert respond(liveness, **changes) is None
    assert registry.get_sample_value("campaign_http_requests_total", labels) is None
