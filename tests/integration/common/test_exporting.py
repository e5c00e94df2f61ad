"""Spans reach a receiver, and one that is away, or does not answer, keeps nobody."""

import io
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.trace import SpanKind

from campaign_common.dsn import parse_dsn
from campaign_common.runtime.logs import configure_logging
from campaign_common.settings import (
    LogSettings,
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
    TracingSettings,
)
from campaign_common.tracing import matched, tracing_of
from campaign_common.tracing.spans import begin_span, end_span, traceparent_of
from tests.support.servers.otlp_receiver import OtlpReceiver
from tests.support.waiting import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with OtlpReceiver().running() as receiver:
        yield receiver


def settings(endpoint: str | None) -> Settings:
    return Settings(
        mysql=MysqlSettings(dsn=parse_dsn("nobody@tcp(nowhere)/none")),
        sync_client=SyncClientSettings(brokers=("unused:9092",)),
        send_client=SendClientSettings(brokers=("unused:9092",)),
        tracing=TracingSettings(endpoint=endpoint),
    )


def place(span: str, flags: str = "01") -> str:
    return f"00-{TRACE}-{span}-{flags}"


def test_without_an_endpoint_there_is_no_tracing() -> None:
    with tracing_of(settings(None), "sender") as tracer:
        assert tracer is None


def test_a_span_has_its_parent_links_time_and_attributes(receiver: OtlpReceiver) -> None:
    """A span has the parent links time and attributes that it was given."""
    began = time.time_ns() - 10**9
    with tracing_of(settings(f"{receiver.endpoint}/"), "sender") as tracer:
        assert tracer is not None
        origins = [place("00f067aa0ba902b7"), "nonsense", place("00f067aa0ba902b8")]
        span = begin_span(tracer, "send batch", SpanKind.CONSUMER, origins, at=began)
        end_span(span, {"campaign.sent": 3}, failure="none of it")
        root = begin_span(tracer, "another", SpanKind.SERVER, [])
        root.end()
        left_out = begin_span(
            tracer, "not sampled", SpanKind.SERVER, [place("00f067aa0ba902b7", "00")]
        )
        left_out.end()
    found = {received.name: received for received in receiver.spans()}
    assert found.keys() == {"send batch", "another"}
    batch = found["send batch"]
    assert (batch.service, batch.trace_id) == ("campaign-sender", TRACE)
    assert (batch.parent_id, batch.linked_ids) == ("00f067aa0ba902b7", {"00f067aa0ba902b8"})
    assert (batch.began, batch.attributes) == (began, {"campaign.sent": 3})
    assert traceparent_of(span) == f"00-{TRACE}-{batch.span_id}-01"
    assert found["another"].trace_id != TRACE
    assert matched(traceparent_of(left_out)) is not None
    assert traceparent_of(left_out).startswith(f"00-{TRACE}-")
    assert traceparent_of(left_out).endswith("-00")


def test_an_outage_of_a_receiver_is_logged_once_and_so_its_end(receiver: OtlpReceiver) -> None:
    """A receiver that refuses is logged once, and so is its return."""
    out = io.StringIO()
    configure_logging("sender", LogSettings(format="json"), out)
    receiver.available = False
    with tracing_of(settings(receiver.endpoint), "sender") as tracer:
        assert tracer is not None
        for refused in (1, 2, 3):
            begin_span(tracer, "lost", SpanKind.SERVER, []).end()
            wait_until(lambda refused=refused: receiver.refused >= refused)
        receiver.available = True
        begin_span(tracer, "taken", SpanKind.SERVER, []).end()
        wait_until(receiver.spans)
    events = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert events == ["trace export failed", "trace export recovered"]


def test_a_silent_receiver_keeps_no_service_from_stopping() -> None:
    """A receiver that does not answer keeps no service from stopping."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with tracing_of(settings(endpoint), "sender") as tracer:
            assert tracer is not None
            begin_span(tracer, "lost", SpanKind.SERVER, []).end()
        exporting = [one.name for one in threading.enumerate() if one.name == "tracing"]
    assert exporting, "the service waited until the export was given up"
