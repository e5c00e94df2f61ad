"""A receiver of traces: OTLP over HTTP, as a collector takes it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


class ReceivedSpan(NamedTuple):
    """A span as it was received; ids in hex, times in nanoseconds since 1970."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    linked_ids: frozenset[str]
    began: int
    ended: int
    attributes: dict[str, str | int | float]


class OtlpReceiver:
    """A receiver that keeps all spans, and refuses them unless `available` is set."""

    def __init__(self) -> None:
        self.available = True
        self.refused = 0
        self._spans: list[ReceivedSpan] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def spans(self, trace_id: str | None = None) -> list[ReceivedSpan]:
        """Everything received so far, or what belongs to one trace."""
        with self._lock:
            return [span for span in self._spans if trace_id in (None, span.trace_id)]

    def take(self, path: str, body: bytes) -> int:
        """Take one request, and return the status of its answer."""
        if path != "/v1/traces":
            return 404
        if not self.available:
            self.refused += 1
            return 400
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self._spans += _spans_of(request)
        return 200

    @contextmanager
    def running(self) -> Iterator["OtlpReceiver"]:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def _handler_of(receiver: OtlpReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = receiver.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    service=str(service),
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    linked_ids=frozenset(link.span_id.hex() for link in span.links),
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    attributes=_values(span.attributes),
                )


def _values(attributes: Iterable[KeyValue]) -> dict[str, str | int | float]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> str | int | float:
    if value.HasField("string_value"):
        return value.string_value
    return value.int_value if value.HasField("int_value") else value.double_value
