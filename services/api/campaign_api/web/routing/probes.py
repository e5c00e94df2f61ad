"""The routes by which whatever runs the service looks after it."""

PROBES = frozenset({"/healthz", "/readyz"})
"""Asked for every few seconds: not worth a line in the log, or a span."""
