"""A batch is traced to what its records' headers say, and to nothing that they do not say."""

from collections import Counter
from collections.abc import Mapping, Sequence

from confluent_kafka import Message as KafkaRecord
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanKind

from campaign_common.domain.message import Status
from campaign_common.domain.message_record import encode
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.tracing import HEADER
from campaign_common.tracing.spans import traceparent_of
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender import tracing
from campaign_sender.message import Arrival
from campaign_sender.tracing import BatchTraces
from tests.unit.sender.messages import CAMPAIGN, message, version

VERSIONS = {CAMPAIGN: version()}
HERE = (0, CAMPAIGN)


def place(n: int) -> str:
    """A traceparent."""
    return f"00-{'ab' * 16}-{n:016x}-01"


def origins(span: ReadableSpan) -> list[str]:
    """The traceparents that a span was begun with."""
    contexts = [span.parent, *(link.context for link in span.links)]
    return [traceparent_of(NonRecordingSpan(context)) for context in contexts if context]


class Scene:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.traces = BatchTraces(provider.get_tracer("test"))

    def batch(
        self,
        *records: KafkaRecord,
        end: int,
        streams: Sequence[tuple[int, int]] = (HERE,),
        versions: Mapping[int, CampaignVersion] = VERSIONS,
    ) -> Arrival:
        """Fetch records up to offset `end` of partition 0, and admit them."""
        arrival = self.traces.arrival()
        self.traces.fetched(records, {0: end})
        self.traces.admitted(streams, versions)
        return arrival

    def span_of(self, *arrivals: Arrival, campaigns: Sequence[int] = (CAMPAIGN,)) -> ReadableSpan:
        """Record a message of each."""
        messages = [message(n) for n in range(len(arrivals))]
        for each, arrival in zip(messages, arrivals, strict=True):
            each.arrival = arrival
        results = [SendResult(each, SendStatus.ACCEPTED) for each in messages]
        changes = Counter({(campaign, 0, Status.SENT): len(arrivals) for campaign in campaigns})
        self.traces.recorded(results, changes, 0.5)
        return self.exporter.get_finished_spans()[-1]


def record(offset: int, header: str | None = None, campaign_id: int = CAMPAIGN) -> KafkaRecord:
    value = encode(message().record.__replace__(campaign_id=campaign_id))
    headers = None if header is None else [(HEADER, header.encode())]
    return KafkaRecord("t", 0, offset, b"", value, headers)  # type: ignore[arg-type]


def test_a_batch_belongs_to_its_first_records_publication() -> None:
    """A batch belongs to the publication that its first record names."""
    scene = Scene()
    arrival = scene.batch(record(0, place(1)), record(1), end=2)
    span = scene.span_of(arrival)
    assert (span.name, span.kind) == ("send batch", SpanKind.CONSUMER)
    assert (origins(span), span.start_time) == ([place(1)], arrival.at)
    assert span.attributes == {
        "messaging.system": "kafka",
        "messaging.batch.message_count": 1,
        "campaign.campaigns": 1,
        "campaign.sent": 1,
        "campaign.transaction_seconds": 0.5,
    }


def test_what_follows_in_later_batches_belongs_to_it_too() -> None:
    scene = Scene()
    scene.batch(record(0, place(1)), end=1)
    assert origins(scene.span_of(scene.batch(record(1), end=2))) == [place(1)]


def test_records_before_a_header_belong_to_the_one_before() -> None:
    """Records before a header belong to the publication before."""
    scene = Scene()
    scene.batch(record(0, place(1)), end=1)
    across = scene.batch(record(1), record(2, place(2)), end=3)
    assert origins(scene.span_of(across)) == [place(1), place(2)]
    exact = scene.batch(record(3, place(3)), end=4)
    assert origins(scene.span_of(exact)) == [place(3)]


def test_a_stream_without_its_header_belongs_to_the_request() -> None:
    """A stream whose header was not seen belongs to the campaign's request."""
    scene = Scene()
    versions = {CAMPAIGN: version()._replace(traceparent=place(7))}
    arrival = scene.batch(record(5), end=6, versions=versions)
    assert origins(scene.span_of(arrival)) == [place(7)]


def test_campaigns_keep_apart() -> None:
    scene = Scene()
    both = [HERE, (0, 8)]
    arrival = scene.batch(record(0, place(1)), record(1, place(2), 8), end=2, streams=both)
    assert origins(scene.span_of(arrival)) == [place(1)]
    assert origins(scene.span_of(arrival, campaigns=[8])) == [place(2)]
    assert origins(scene.span_of(arrival, campaigns=[CAMPAIGN, 8])) == [place(1), place(2)]


def test_a_transaction_of_several_batches_begins_with_the_first() -> None:
    scene = Scene()
    first = scene.batch(record(0, place(1)), end=1)
    second = scene.batch(record(1, place(2)), end=2)
    span = scene.span_of(second, first, second)
    assert (span.start_time, origins(span)) == (first.at, [place(1), place(2)])


def test_ends_of_claims_alone_are_no_span() -> None:
    scene = Scene()
    result = SendResult(message(), SendStatus.RELEASED)
    result.message.arrival = scene.batch(record(0, place(1)), end=1)
    scene.traces.recorded([result], Counter(), 0.5)
    assert scene.exporter.get_finished_spans() == ()


def test_what_is_no_traceparent_or_no_record_is_passed_over() -> None:
    scene = Scene()
    unreadable = KafkaRecord("t", 0, 1, b"", b"{", [(HEADER, place(3).encode())])  # type: ignore[arg-type]
    arrival = scene.batch(record(0, "00-nonsense"), unreadable, end=2)
    assert origins(scene.span_of(arrival)) == []


def test_what_is_remembered_is_bounded() -> None:
    scene = Scene()
    many = tracing.MAX_REMEMBERED + 10
    for n in range(many):
        scene.traces.fetched([record(n, place(n + 1), campaign_id=n)], {0: n + 1})
    assert len(scene.traces._latest) == tracing.MAX_REMEMBERED
    assert (0, many - 1) in scene.traces._latest
