"""Spans by OpenTelemetry's SDK, exported over OTLP/HTTP in a thread of their own."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

TRACES_PATH = "/v1/traces"
"""Where OTLP/HTTP takes traces, below the endpoint."""

EXPORT_TIMEOUT = 5.0
"""Seconds for one export, the repetitions of a failed one included."""

log = structlog.get_logger()


class SpanExport:
    """Export of the spans of `tracer` to the OTLP/HTTP receiver at `endpoint`.

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
        self.tracer = self._provider.get_tracer("camp-mgr", version("camp-mgr"))

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
