"""Tracing for as long as a service runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from campaign_common.settings import Settings
from campaign_common.tracing.span import Tracing

CLOSING = 2.0
"""Seconds of DrainTimeout that handing over the last spans may take; a tenth of a short one."""


@contextmanager
def tracing_of(settings: Settings, service: str) -> Iterator[Tracing | None]:
    """Trace a service while the block runs, where an endpoint is configured.

    To be called after the last fork of the process.
    """
    if settings.tracing.endpoint is None:
        yield None
        return
    # Imported by name, and not at all where nothing is traced: it takes 10 MB of memory.
    exporting = import_module("campaign_common.tracing.exporting")
    tracing: Tracing = exporting.ExportedTracing(
        settings.tracing.endpoint, service=service, installation=settings.name
    )
    try:
        yield tracing
    finally:
        tracing.close(min(CLOSING, settings.drain_timeout / 10))
