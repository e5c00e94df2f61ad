"""The cost of tracing per message for a sender and the fan-out, beside a message's whole cost.

    PYTHONPATH=deploy .venv/bin/python -m benchmarks traces-cost

Each step is timed alternately with and without tracing, on batches as large as the services' own.
The time is the processor time of this process, all threads, and includes the library's export to a
receiver on this machine. A message costs a sender about 9 microseconds of processor time with a
provider that answers at once, and the fan-out about 8.
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

import click
from confluent_kafka import Message as KafkaRecord
from confluent_kafka import Producer
from opentelemetry.trace import SpanKind, Tracer

from campaign_common.domain.campaign import CampaignEpoch, CampaignId, CampaignState, Delivery
from campaign_common.domain.message import MessageKey, Status
from campaign_common.domain.message_record import MessageRecord, encode
from campaign_common.domain.shard import Epoch
from campaign_common.kafka.batches import SplittingProducer
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.tracing import HEADER
from campaign_common.tracing.exporting import SpanExport
from campaign_common.tracing.spans import begin_span, end_span
from campaign_providers.contract import SendResult, SendStatus
from campaign_scheduler.publishing.publisher import Publication, Publisher, RecordsByPartition
from campaign_sender.message import Message
from campaign_sender.tracing import BatchTraces

BATCH = 4_000
CHUNK = 10_000
SHARDS = 8
ROUNDS = 2_048
"""Spans are exported at the latest when there are 512 of them."""

SENT = 9_000.0
PUBLISHED = 8_000.0
"""Processor nanoseconds of a sender and of the fan-out for a message."""

CAMPAIGN = CampaignId(1)
CAMPAIGN_EPOCH = CampaignEpoch(1)
EPOCH = Epoch(1)
KEY = MessageKey(CAMPAIGN, 1)
REQUEST = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOWHERE = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}
VERSIONS = {
    CAMPAIGN: CampaignVersion(
        CampaignState.RUNNING,
        CAMPAIGN_EPOCH,
        Delivery.AT_LEAST_ONCE,
        "simulated",
        None,
        REQUEST,
    )
}


@click.command("traces-cost")
def traces_cost() -> None:
    """Measure the cost of tracing per message for sender and fan-out; starts no server."""
    with receiver() as endpoint:
        export = SpanExport(endpoint, service="sender", installation="benchmark")
        sender = {
            "reading headers": reading_headers(export.tracer),
            "noting the batch in its messages": noting_batches(export.tracer),
            "a span for a transaction, exported": recording(export.tracer),
        }
        fan_out = {
            "a header on a chunk's first records": marking(),
            "a span for a chunk, exported": publishing(export.tracer),
        }
        export.close(5.0)
    told("sender", sender, SENT)
    told("fan-out", fan_out, PUBLISHED)


def told(service: str, costs: dict[str, float], message: float) -> None:
    """Print the results of a service."""
    for what, cost in costs.items():
        click.echo(f"{service}: {what}: {cost:.1f} ns per message, {cost / message:.2%}")
    together = sum(costs.values())
    click.echo(f"{service}: together {together:.1f} ns per message, {together / message:.2%}")


def reading_headers(tracer: Tracer) -> float:
    """Look at every fetched record; a chunk has a header in each of its partitions."""
    traces = BatchTraces(tracer)
    marked = SHARDS * BATCH // CHUNK
    records = [
        fetched(n, [(HEADER, REQUEST.encode())] if n < marked else None) for n in range(BATCH)
    ]
    ends = {0: BATCH}
    return difference(BATCH, lambda: traces.fetched(records, ends), ignore)


def noting_batches(tracer: Tracer) -> float:
    """Make messages with a reference to their batch."""
    traces = BatchTraces(tracer)
    decoded = [record(n) for n in range(BATCH)]
    streams = [(shard, CAMPAIGN) for shard in range(SHARDS)]

    def with_it() -> None:
        arrival = traces.arrival()
        for each in decoded:
            Message(each, KEY, 0, 1, EPOCH, arrival)
        traces.admitted(streams, VERSIONS)

    def without() -> None:
        for each in decoded:
            Message(each, KEY, 0, 1, EPOCH, None)

    return difference(BATCH, with_it, without)


def recording(tracer: Tracer) -> float:
    """Find the batches of recorded messages, and make the span."""
    traces = BatchTraces(tracer)
    arrival = traces.arrival()
    traces.admitted([(0, CAMPAIGN)], VERSIONS)
    messages = [Message(record(n), KEY, 0, n, EPOCH, arrival) for n in range(BATCH)]
    results = [SendResult(each, SendStatus.ACCEPTED, "sim-1") for each in messages]
    changes = Counter({(CAMPAIGN, shard, Status.SENT): BATCH // SHARDS for shard in range(SHARDS)})
    return difference(BATCH, lambda: traces.recorded(results, changes, 0.05), ignore)


def marking() -> float:
    """Hand a chunk to the client, with and without a header; nothing of it leaves."""
    chunk: RecordsByPartition = {
        partition: [
            {"value": encode(record(n)), "key": str(13900000000 + n)}
            for n in range(partition, CHUNK, SHARDS)
        ]
        for partition in range(SHARDS)
    }

    def publish(traceparent: str | None) -> Callable[[], None]:
        def once() -> None:
            publisher.publish(chunk, Publication(CHUNK), traceparent)

        return once

    publisher = Publisher(
        lambda: SplittingProducer(lambda _: Producer(NOWHERE), lambda _: None), "nowhere"
    )
    return difference(
        CHUNK, publish(REQUEST), publish(None), rounds=ROUNDS // 8, after=publisher.abandon
    )


def publishing(tracer: Tracer) -> float:
    """Begin and end the span of a chunk."""

    def once() -> None:
        span = begin_span(tracer, "publish chunk", SpanKind.PRODUCER, [REQUEST])
        end_span(
            span,
            {"campaign.id": CAMPAIGN, "campaign.recipients": CHUNK, "campaign.last_seq": CHUNK},
        )

    return difference(CHUNK, once, ignore)


def difference(
    messages: int,
    with_it: Callable[[], None],
    without: Callable[[], None],
    *,
    rounds: int = ROUNDS,
    after: Callable[[], None] = lambda: None,
) -> float:
    """Return the mean difference of many pairs, in nanoseconds per message.

    The mean, since an export comes once in many batches. Of each pair another one goes first.
    """
    spent = {with_it: 0, without: 0}
    for round_ in range(rounds):
        for work in (with_it, without) if round_ % 2 else (without, with_it):
            began = time.process_time_ns()
            work()
            spent[work] += time.process_time_ns() - began
            after()
    return (spent[with_it] - spent[without]) / rounds / messages


def ignore() -> None:
    """Do nothing."""


def fetched(n: int, headers: list[tuple[str, bytes]] | None) -> KafkaRecord:
    """Make a record as the consumer hands it over."""
    return KafkaRecord("t", 0, n, b"", encode(record(n)), headers)  # type: ignore[arg-type]


def record(n: int) -> MessageRecord:
    """Make a message's record."""
    phone = str(13900000000 + n)
    return MessageRecord(
        1, CAMPAIGN, n, n % SHARDS, CAMPAIGN_EPOCH, 1, phone, f"hi user{n}, a test message."
    )


@contextmanager
def receiver() -> Iterator[str]:
    """Receive exports in a process of its own, whose processor time does not count."""
    told_here, tells = multiprocessing.Pipe()
    process = multiprocessing.Process(target=receive, args=(tells,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{told_here.recv()}"
    process.terminate()
    process.join()


def receive(tells: Connection) -> None:
    """Answer every export with success."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    tells.send(server.server_port)
    server.serve_forever()


class Taking(BaseHTTPRequestHandler):
    """A handler that reads a request and accepts it."""

    def do_POST(self) -> None:
        """Accept one export."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""
