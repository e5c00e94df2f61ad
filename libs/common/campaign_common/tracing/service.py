"""Tracing for as long as a service runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from campaign_common.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from campaign_common.tracing.exporting import SpanExport

SPANS_CLOSING = 2.0
"""Seconds of DrainTimeout that handing over the last spans may take; a tenth of a short one."""


@contextmanager
def tracing_of(settings: Settings, service: str) -> Iterator["Tracer | None"]:
    """Trace a service while the block runs, where an endpoint is configured.

    To be called after the last fork of the process.
    """
    if settings.tracing.endpoint is None:
        yield None
        return
    # Imported by name, and not at all where nothing is traced: the SDK takes 6 MB of memory.
    exporting = import_module("campaign_common.tracing.exporting")
    export: SpanExport = exporting.SpanExport(
        settings.tracing.endpoint, service=service, installation=settings.name
    )
    try:
        yield export.tracer
    finally:
        export.close(min(SPANS_CLOSING, settings.drain_timeout / 10))
