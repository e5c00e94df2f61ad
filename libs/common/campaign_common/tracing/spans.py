"""Spans of OpenTelemetry's API whose parents and places are traceparents."""

from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from campaign_common.tracing.traceparent import matched


def begin_span(
    tracer: Tracer, name: str, kind: SpanKind, origins: Sequence[str], *, at: int | None = None
) -> Span:
    """Begin a span.

    The first of its `origins`, traceparents, is its parent, and the others are linked; without any
    that is well formed it begins a trace. `at`: the time at which the work began, in nanoseconds
    since 1970.
    """
    contexts = [context for origin in origins if (context := _context_of(origin))]
    # An empty context, never the current one of the thread: without origins a trace begins.
    parent = Context()
    if contexts:
        parent = set_span_in_context(NonRecordingSpan(contexts[0]), parent)
    links = [Link(context) for context in contexts[1:]]
    return tracer.start_span(name, parent, kind, links=links, start_time=at)


def end_span(
    span: Span, attributes: Mapping[str, str | int | float], *, failure: str | None = None
) -> None:
    """End a span with what is known of its work now; `failure` is the reason for a failed one."""
    span.set_attributes(attributes)
    if failure is not None:
        span.set_status(Status(StatusCode.ERROR, failure))
    span.end()


def traceparent_of(span: Span) -> str:
    """Return a span as the parent of what comes of it."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _context_of(traceparent: str) -> SpanContext | None:
    parts = matched(traceparent)
    if parts is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in parts)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
