"""W3C Trace Context, level 1: a place in a trace as a header carries it."""

import re

HEADER = "traceparent"

_TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


def matched(traceparent: str | None) -> tuple[str, str, str] | None:
    """Return trace id, span id and flags as they are written; None where it is malformed."""
    found = _TRACE_PARENT.fullmatch(traceparent or "")
    return None if found is None else (found[1], found[2], found[3])


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the id of the trace, for log lines."""
    parts = matched(traceparent)
    return parts[0] if parts else None
