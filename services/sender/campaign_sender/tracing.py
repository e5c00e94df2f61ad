"""Traces of batches, from the headers of their records to the transaction that records them.

A header stands on the first record of what was published together for a partition, and is meant
for those of the same campaign that follow. A span is one transaction of the recorder, since the
first of its messages was fetched; nothing is made for a message but a reference to the batch in
which it came.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from confluent_kafka import Message as KafkaRecord

from campaign_common.errors import RecordInvalid
from campaign_common.message import Status
from campaign_common.store.campaigns import CampaignVersion
from campaign_common.tracing import HEADER, Kind, Tracing, matched
from campaign_common.wire import decode
from campaign_sender.message import Arrival, Origin
from campaign_sender.providers.contract import SendResult

MOST_REMEMBERED = 10_000
"""Publications whose header is remembered for records to come; the oldest are forgotten."""

MOST_ORIGINS = 128
"""Spans that a span is linked to, at most: the default of OpenTelemetry."""

Stream = tuple[int, int]
"""A partition and a campaign."""


class BatchTraces:
    """Follows batches through a sender; `recorded` is for the recorder, the rest for the loop."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._latest: dict[Stream, str] = {}
        self._ends: dict[int, int] = {}
        """Partition -> offset that follows what was fetched before."""
        self._arrived: list[Arrival] = []
        self._seen: list[tuple[Stream, str]] = []
        """What came since the last admission, and what its headers say."""

    def arrival(self) -> Arrival:
        """Return what the messages are to hold that are fetched now."""
        arrival = Arrival(time.time_ns())
        self._arrived.append(arrival)
        return arrival

    def fetched(self, records: Iterable[KafkaRecord], ends: Mapping[int, int]) -> None:
        """Take note of the headers of fetched records; `ends` is where these end, by partition."""
        for record in records:
            headers = record.headers()
            if headers:
                self._note(record, dict(headers).get(HEADER))
        self._ends.update(ends)

    def admitted(self, streams: Iterable[Stream], versions: Mapping[int, CampaignVersion]) -> None:
        """Note out of what the messages came that are admitted now, of these streams."""
        origins = list(self._origins(streams, versions))
        for arrival in self._arrived:
            arrival.origins = origins
        self._arrived.clear()
        self._seen.clear()

    def recorded(
        self,
        results: Sequence[SendResult],
        changes: Mapping[tuple[int, int, Status], int],
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
        span = self._tracing.begin(
            "send batch",
            Kind.CONSUMER,
            list(dict.fromkeys(origins))[:MOST_ORIGINS],
            at=earliest[0].at,
        )
        span.end(
            {
                "messaging.system": "kafka",
                "messaging.batch.message_count": len(results),
                "campaign.campaigns": len(campaigns),
                # Of these only those that wait for another try become fewer.
                **{f"campaign.{status.word}": n for status, n in outcomes.items() if n > 0},
                **({} if seconds is None else {"campaign.transaction_seconds": seconds}),
            }
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
            self._seen.append((stream, before))  # of the records that precede this one
        self._seen.append((stream, traceparent))
        self._latest[stream] = traceparent
        if len(self._latest) > MOST_REMEMBERED:
            del self._latest[next(iter(self._latest))]

    def _origins(
        self, streams: Iterable[Stream], versions: Mapping[int, CampaignVersion]
    ) -> Iterator[Origin]:
        """Find what the messages of these streams come from.

        Of a stream whose header was not seen, as after a take-over, it is the request that set
        the campaign going.
        """
        told = set()
        for stream, traceparent in self._seen:
            told.add(stream)
            yield stream[1], traceparent
        for stream in streams:
            version = versions.get(stream[1])
            origin = self._latest.get(stream) or (version.traceparent if version else None)
            if stream not in told and origin is not None:
                yield stream[1], origin
