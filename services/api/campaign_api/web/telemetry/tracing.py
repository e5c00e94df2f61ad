"""Request ids and trace context (X-Request-Id, W3C Trace Context), in and out.

Where traces are exported, each request but the probes is a span. Where they are not, a request
has its place in its client's trace all the same, and passes it on.
"""

from secrets import token_hex
from typing import NamedTuple

import structlog
from flask import Flask, Response, g, request
from opentelemetry.trace import Span, SpanKind, Tracer

from campaign_api.web.routing.probes import PROBES
from campaign_api.web.telemetry.request_id import request_id as accepted
from campaign_api.web.telemetry.request_id import trace_id_could_hold_a_phone
from campaign_common.tracing import HEADER, matched
from campaign_common.tracing.spans import begin_span, end_span, traceparent_of

REQUEST_ID = "X-Request-Id"

SAMPLED_UNKNOWN = "00"


class Trace(NamedTuple):
    """The ids of the current request, and its place in a trace."""

    request_id: str
    trace_id: str
    span_id: str
    flags: str
    span: Span | None

    @property
    def parent(self) -> str:
        """The traceparent for work that this request causes."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def present_traceparent() -> str:
    """Return the traceparent for work that the current request causes."""
    trace: Trace = g.trace
    return trace.parent


def register(app: Flask, tracer: Tracer | None) -> None:
    """Add ids to each request of `app`, in its log lines and its response."""

    def begin() -> None:
        g.trace = trace = _trace(tracer)
        # A thread serves one request after another: what the one before bound is dropped.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=trace.request_id, trace_id=trace.trace_id)

    app.before_request(begin)
    app.after_request(_tell)


def _trace(tracer: Tracer | None) -> Trace:
    """Continue the client's trace if its header is well formed, else begin a new one."""
    request_id = accepted(request.headers.get(REQUEST_ID))
    parent = _parent(request.headers.get(HEADER))
    if tracer is not None and _route() not in PROBES:
        span = begin_span(
            tracer,
            f"{request.method} {_route() or ''}".rstrip(),
            SpanKind.SERVER,
            [parent] if parent else [],
        )
        begun = matched(traceparent_of(span))
        if begun is not None:
            return Trace(request_id, *begun, span)
    found = matched(parent)
    trace_id, _, flags = found or (token_hex(16), "", SAMPLED_UNKNOWN)
    return Trace(request_id, trace_id, token_hex(8), flags, None)


def _parent(sent: str | None) -> str | None:
    """Return the place in its client's trace, unless its trace id could be a phone number."""
    found = matched(sent)
    return None if found is None or trace_id_could_hold_a_phone(found[0]) else sent


def _route() -> str | None:
    return request.url_rule.rule if request.url_rule else None


def _tell(response: Response) -> Response:
    trace: Trace = g.trace
    response.headers[REQUEST_ID] = trace.request_id
    response.headers[HEADER] = trace.parent
    if trace.span is not None:
        _end(trace.span, response.status_code)
    return response


def _end(span: Span, status: int) -> None:
    campaign_id = (request.view_args or {}).get("campaign_id")
    end_span(
        span,
        {
            "http.request.method": request.method,
            "http.route": _route() or "",
            "http.response.status_code": status,
            **({} if campaign_id is None else {"campaign.id": campaign_id}),
        },
        failure=f"status {status}" if status >= 500 else None,
    )
