"""Traces: a campaign's way from the request through Kafka into the ledger, one span per batch.

Off unless Tracing.Endpoint is configured: parts then hold None in place of a `Tracer`, and the SDK
of OpenTelemetry is not imported. A span is begun for a batch, never for a message.

A place in a trace is a W3C traceparent everywhere between parts: in HTTP and Kafka headers and in
the database.
"""

from campaign_common.tracing.service import tracing_of
from campaign_common.tracing.traceparent import HEADER, matched, trace_id_of

__all__ = [
    "HEADER",
    "matched",
    "trace_id_of",
    "tracing_of",
]
