"""Which request a log line is about: X-Request-Id, and W3C Trace Context, in and out."""

import re
from secrets import token_hex
from typing import NamedTuple

import structlog
from flask import Flask, Response, g, request

REQUEST_ID = "X-Request-Id"
TRACE_PARENT = "traceparent"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOOKS_LIKE_A_PHONE = re.compile(r"[0-9]{7,15}")
_TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")

SAMPLED_UNKNOWN = "00"


class Trace(NamedTuple):
    """The present request among others: its id, and its place in a trace."""

    request_id: str
    trace_id: str
    span_id: str
    flags: str

    @property
    def parent(self) -> str:
        """This request as the parent of what comes of it."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def register(app: Flask) -> None:
    """Give each request of `app` its ids, on its log lines and on its answer."""
    app.before_request(_begin)
    app.after_request(_tell)


def _begin() -> None:
    g.trace = trace = _trace(request.headers.get(REQUEST_ID), request.headers.get(TRACE_PARENT))
    # A thread serves one request after another: what the one before bound is dropped.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=trace.request_id, trace_id=trace.trace_id)


def _trace(request_id: str | None, parent: str | None) -> Trace:
    """Go on with what the client sent where it is well formed, else begin anew.

    An id that could be a phone number is made anew too: it would be written to the log.
    """
    if (
        request_id is None
        or not _REQUEST_ID.fullmatch(request_id)
        or _LOOKS_LIKE_A_PHONE.fullmatch(request_id)
    ):
        request_id = token_hex(16)
    found = _TRACE_PARENT.fullmatch(parent or "")
    trace_id, flags = found.groups() if found else (token_hex(16), SAMPLED_UNKNOWN)
    return Trace(request_id, trace_id, token_hex(8), flags)


def _tell(response: Response) -> Response:
    trace: Trace = g.trace
    response.headers[REQUEST_ID] = trace.request_id
    response.headers[TRACE_PARENT] = trace.parent
    return response
