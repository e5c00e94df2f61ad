"""`GET /healthz` in the loop, without the application's hooks.

It is the one request that waits for nothing and that must be answered under any flood, so it has
to cost little. Its response is the application's own, to the first probe.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from http import HTTPStatus
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from werkzeug.wsgi import ClosingIterator

from campaign_api.metrics import RequestMetrics
from campaign_api.web.routing.application import Application
from campaign_api.web.telemetry.tracing import REQUEST_ID, SAMPLED_UNKNOWN
from campaign_common.tracing import HEADER

PATH = "/healthz"

OK = "200 OK"

NEED_THE_APPLICATION = (
    "QUERY_STRING",
    "HTTP_X_REQUEST_ID",
    "HTTP_TRACEPARENT",
    "CONTENT_LENGTH",
    "HTTP_TRANSFER_ENCODING",
)
"""Parts of a request that change the response, or have to be checked."""

OF_EACH = frozenset({REQUEST_ID.lower(), HEADER.lower()})
"""Headers with another value on each response."""

log = structlog.get_logger(__name__)


class Liveness:
    """Responder to plain liveness probes."""

    def __init__(self, application: Application) -> None:
        """Leave the first probe to `application`; its extension `metrics` counts them."""
        self._application = application
        self._response: _Response | None = None

    def respond(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes] | None:
        """Respond to a probe (WSGI); None: it has something that the application must look at."""
        if not _is_plain(environ):
            return None
        if self._response is None:
            return self._ask(environ, start_response)
        began = time.monotonic()
        request_id, parent = token_hex(16), f"00-{token_hex(16)}-{token_hex(8)}-{SAMPLED_UNKNOWN}"
        headers = [*self._response.headers, (REQUEST_ID, request_id), (HEADER, parent)]
        start_response(OK, headers)
        metrics: RequestMetrics = self._application.extensions["metrics"]
        metrics.answered("GET", PATH, HTTPStatus.OK, time.monotonic() - began)
        log.debug("request", method="GET", route=PATH, status=200, request_id=request_id)
        return [self._response.body]

    def _ask(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(
            status: str,
            headers: list[tuple[str, str]],
            failure: Any = None,  # noqa: ANN401 - WSGI's own
            /,
        ) -> Any:  # noqa: ANN401
            started.append((status, headers))
            return start_response(status, headers, failure)

        with closing(ClosingIterator(self._application(environ, start))) as pieces:
            body = b"".join(pieces)
        status, headers = started[-1]
        if status == OK:
            lasting = [each for each in headers if each[0].lower() not in OF_EACH]
            self._response = _Response(lasting, body)
        return [body]


class _Response(NamedTuple):
    headers: list[tuple[str, str]]
    """Those that are the same on each response."""
    body: bytes


def _is_plain(environ: Mapping[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and bool(environ.get("HTTP_HOST"))
        and not any(environ.get(name) for name in NEED_THE_APPLICATION)
    )
