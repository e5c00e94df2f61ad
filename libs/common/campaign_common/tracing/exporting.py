"""Spans by OpenTelemetry's SDK, exported over OTLP/HTTP in a thread of their own."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as LibrarySpan

from campaign_common.tracing.span import Attributes, SpanRole
from campaign_common.tracing.traceparent import matched

TRACES_PATH = "/v1/traces"
"""Where OTLP/HTTP takes traces, below the endpoint."""

EXPORT_TIMEOUT = 5.0
"""Seconds for one export, the repetitions of a failed one included."""

_KINDS = {
    SpanRole.SERVER: SpanKind.SERVER,
    SpanRole.PRODUCER: SpanKind.PRODUCER,
    SpanRole.CONSUMER: SpanKind.CONSUMER,
}

log = structlog.get_logger()


class ExportedSpan:
    """A span of the library's."""

    def __init__(self, span: LibrarySpan) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """This span as the parent of what comes of it."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, attributes: Attributes, *, failure: str | None = None) -> None:
        """End the work, with what is known of it now; `failure` says why it came to nothing."""
        self._span.set_attributes(attributes)
        if failure is not None:
            self._span.set_status(Status(StatusCode.ERROR, failure))
        self._span.end()


class ExportedTracing:
    """Begins spans that are exported to the OTLP/HTTP receiver at `endpoint`.

    Which traces are recorded is what their parent says, and for those that begin here
    OTEL_TRACES_SAMPLER: all of them by default. The SDK reads its other OTEL_ variables too.
    """

    def __init__(self, endpoint: str, *, service: str, installation: str) -> None:
        # Its words repeat with every export; `StateLoggingExporter` has the ones that count.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = Resource.create(
            {
                "service.name": f"campaign-{service}",
                "service.namespace": installation,
                "service.version": version("camp-mgr"),
                "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + TRACES_PATH, timeout=EXPORT_TIMEOUT)
        receiver = urlsplit(endpoint).netloc
        self._provider.add_span_processor(
            BatchSpanProcessor(StateLoggingExporter(exporter, receiver))
        )
        self._tracer = self._provider.get_tracer("camp-mgr", version("camp-mgr"))

    def begin(
        self, name: str, kind: SpanRole, origins: Sequence[str], *, at: int | None = None
    ) -> ExportedSpan:
        """Begin a span, as `Tracing.begin` says."""
        contexts = [context for origin in origins if (context := _context_of(origin))]
        # Never what the thread happens to be in: an empty context begins a trace.
        parent = Context()
        if contexts:
            parent = set_span_in_context(NonRecordingSpan(contexts[0]), parent)
        span = self._tracer.start_span(
            name,
            context=parent,
            kind=_KINDS[kind],
            links=[Link(context) for context in contexts[1:]],
            start_time=at,
        )
        return ExportedSpan(span)

    def close(self, seconds: float) -> None:
        """Hand over what has ended, for so many seconds at most, and take nothing more."""
        # The library waits as long as its receiver takes, so somebody else does.
        closing = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(seconds)


class StateLoggingExporter(SpanExporter):
    """Log of the times at which a receiver stops to take spans, and takes them again."""

    def __init__(self, exporter: SpanExporter, receiver: str) -> None:
        self._exporter = exporter
        self._receiver = receiver
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans; those that are not taken are lost."""
        result = self._exporter.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            log.warning("trace export failed", receiver=self._receiver)
        elif self._fails and not fails:
            log.info("trace export recovered", receiver=self._receiver)
        self._fails = fails
        return result

    def shutdown(self) -> None:
        """Export nothing more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the exporter; nothing is held back here."""
        return self._exporter.force_flush(timeout_millis)


def _context_of(traceparent: str) -> SpanContext | None:
    parts = matched(traceparent)
    if parts is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in parts)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
