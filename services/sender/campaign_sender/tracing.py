"""Traces of batches, from the headers of their records to the transaction that records them.

Only the first record of a campaign that was published together for a partition has a header; it
applies to the records that follow it. A span covers one transaction of the recorder, from the fetch
of its first message. A message costs only a reference to its fetch.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from confluent_kafka import Message as KafkaRecord
from opentelemetry.trace import SpanKind, Tracer

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.domain.message_record import decode
from campaign_common.errors import RecordInvalid
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.tracing import HEADER, matched
from campaign_common.tracing.spans import begin_span, end_span
from campaign_providers.contract import SendResult
from campaign_sender.message import Arrival, Message, TraceOrigin

MAX_REMEMBERED = 10_000
"""Publications whose header is remembered for later records; the oldest are forgotten."""

MAX_ORIGINS = 128
"""Maximum number of links of a span: the default of OpenTelemetry."""

Stream = tuple[int, CampaignId]
"""Partition and campaign id."""


class BatchTraces:
    """Traces of the batches of one sender; the recorder calls `recorded`, the loop the rest."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._latest: dict[Stream, str] = {}
        self._ends: dict[int, int] = {}
        """Partition -> offset after the last fetch."""
        self._arrived: list[Arrival] = []
        self._seen: list[tuple[Stream, str]] = []
        """Streams fetched since the last admission, with the traceparents of their headers."""

    def arrival(self) -> Arrival:
        """Return the reference for messages that are fetched now."""
        arrival = Arrival(time.time_ns())
        self._arrived.append(arrival)
        return arrival

    def fetched(self, records: Iterable[KafkaRecord], ends: Mapping[int, int]) -> None:
        """Read the headers of fetched records; `ends`: offset after the fetch, by partition."""
        for record in records:
            headers = record.headers()
            if headers:
                self._note(record, dict(headers).get(HEADER))
        self._ends.update(ends)

    def admitted(
        self, streams: Iterable[Stream], versions: Mapping[CampaignId, CampaignVersion]
    ) -> None:
        """Set the origins of the messages of `streams` that are admitted now."""
        origins = list(self._origins(streams, versions))
        for arrival in self._arrived:
            arrival.origins = origins
        self._arrived.clear()
        self._seen.clear()

    def recorded(
        self,
        results: Sequence[SendResult[Message]],
        changes: Mapping[tuple[CampaignId, int, Status], int],
        seconds: float | None = None,
    ) -> None:
        """Trace a committed transaction: its results and the changes of the counters."""
        found = {result.message.arrival for result in results}
        arrivals = [arrival for arrival in found if arrival is not None]
        if not arrivals or not changes:
            return
        outcomes: Counter[Status] = Counter()
        campaigns = set()
        for (campaign_id, _, status), n in changes.items():
            campaigns.add(campaign_id)
            outcomes[status] += n
        earliest = sorted(arrivals, key=attrgetter("at"))
        origins = [
            traceparent
            for arrival in earliest
            for campaign_id, traceparent in arrival.origins
            if campaign_id in campaigns
        ]
        span = begin_span(
            self._tracer,
            "send batch",
            SpanKind.CONSUMER,
            list(dict.fromkeys(origins))[:MAX_ORIGINS],
            at=earliest[0].at,
        )
        end_span(
            span,
            {
                "messaging.system": "kafka",
                "messaging.batch.message_count": len(results),
                "campaign.campaigns": len(campaigns),
                # Only the counter of waiting messages can become less.
                **{f"campaign.{status.word}": n for status, n in outcomes.items() if n > 0},
                **({} if seconds is None else {"campaign.transaction_seconds": seconds}),
            },
        )

    def _note(self, record: KafkaRecord, header: str | bytes | None) -> None:
        value, partition, offset = record.value(), record.partition(), record.offset()
        traceparent = header.decode("ascii", "replace") if isinstance(header, bytes) else header
        if traceparent is None or matched(traceparent) is None:
            return
        if partition is None or offset is None or not isinstance(value, bytes):
            return
        try:
            stream = partition, decode(value).campaign_id
        except RecordInvalid:
            return
        before = self._latest.pop(stream, None)
        if before is not None and offset > self._ends.get(partition, offset):
            self._seen.append((stream, before))  # of the records before this one
        self._seen.append((stream, traceparent))
        self._latest[stream] = traceparent
        if len(self._latest) > MAX_REMEMBERED:
            del self._latest[next(iter(self._latest))]

    def _origins(
        self, streams: Iterable[Stream], versions: Mapping[CampaignId, CampaignVersion]
    ) -> Iterator[TraceOrigin]:
        """Yield the origins of the messages of `streams`.

        For a stream without a header, as after a takeover, it is the request that started the
        campaign.
        """
        yielded = set()
        for stream, traceparent in self._seen:
            yielded.add(stream)
            yield stream[1], traceparent
        for stream in streams:
            version = versions.get(stream[1])
            origin = self._latest.get(stream) or (version.traceparent if version else None)
            if stream not in yielded and origin is not None:
                yield stream[1], origin
