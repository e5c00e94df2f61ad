"""Places in traces, and what is imported where nothing is traced."""

import subprocess
import sys

import pytest

from campaign_common.tracing import trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SERVICES = ("campaign_api.main", "campaign_scheduler.main", "campaign_sender.main")


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"00-{TRACE}-0000000000000000-01", None),
        (f"01-{TRACE}-00f067aa0ba902b7-01", None),
        ("", None),
        (None, None),
    ],
)
def test_the_trace_of_a_traceparent(traceparent: str | None, trace_id: str | None) -> None:
    assert trace_id_of(traceparent) == trace_id


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_alone_does_not_import_the_sdk(service: str) -> None:
    script = f"import sys, {service}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    modules = done.stdout.split()
    assert service in modules
    assert "opentelemetry.trace" in modules
    parts = ("opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf")
    assert [name for name in modules if name.startswith(parts)] == []
