"""Traces: a campaign's way from the request through Kafka into the ledger, one span per batch.

Off unless Tracing.Endpoint is configured. Then nothing of OpenTelemetry is imported, and parts
hold None in place of a `Tracing`, which they ask for once a batch and never for a message.

A place in a trace is a W3C traceparent everywhere between parts: in HTTP and Kafka headers and in
the database. Only `exporting` knows how the library has it.
"""

from campaign_common.tracing.service import tracing_of
from campaign_common.tracing.span import Attributes, Span, SpanRole, Tracing
from campaign_common.tracing.traceparent import HEADER, matched, trace_id_of

__all__ = [
    "HEADER",
    "Attributes",
    "Span",
    "SpanRole",
    "Tracing",
    "matched",
    "trace_id_of",
    "tracing_of",
]
