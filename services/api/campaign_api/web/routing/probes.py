"""Probe routes, which an orchestrator requests every few seconds."""

PROBES = frozenset({"/healthz", "/readyz"})
"""They are logged at debug level, and have no span."""
