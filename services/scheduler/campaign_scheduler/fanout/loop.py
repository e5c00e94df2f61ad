"""Fan-out loop: publishes the recipients of running campaigns to Kafka, a chunk at a time.

A chunk is committed once every record of it has been delivered and its checkpoint is written to
MySQL (protocol rule 8). After a crash in between, the chunk is published again; the senders look
its messages up and drop the copies.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, time_ns

from opentelemetry.trace import Span, SpanKind, Tracer

from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import KafkaUnavailable, PublishingHeld, TopicMissing
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.outage_log import OutageLog
from campaign_common.store.campaigns.leases import LeaseKey
from campaign_common.store.limits.live_weights import follow_live_weights
from campaign_common.store.limits.publishing import bounded_campaigns
from campaign_common.store.messages.provider_breakers import campaigns_with_open_circuit
from campaign_common.tracing.spans import begin_span, traceparent_of
from campaign_providers.unsubscribe.current_links import LinksUnsigned
from campaign_scheduler.fanout.campaign_fan_out import CampaignFanOut, PublishedChunk
from campaign_scheduler.fanout.checkpoint_writer import CheckpointWriter
from campaign_scheduler.fanout.chunk_reader import ChunkReader
from campaign_scheduler.fanout.flow_control import FlowControl
from campaign_scheduler.fanout.outcome_counts import OutcomeCounts
from campaign_scheduler.fanout.publish_window import ceiling_of
from campaign_scheduler.held_leases import HeldLeases
from campaign_scheduler.publishing.publisher import Publication, Publisher
from campaign_scheduler.publishing.record_builder import seqs_of

FAN_OUT = "fan-out"
"""Name of the loop in the log of outages and in the metrics."""

LINKS = "publish-links"
"""Name of the links to unsubscribe in the log of outages."""

COUNTERS_INTERVAL = 0.2
"""Seconds between two reads of a campaign's counters, or of the circuit breakers."""

MAX_CHUNKS_IN_FLIGHT = 64
"""Chunks published and not committed, at most; small campaigns make small chunks."""

SLOW_DELIVERY = 5.0
"""Seconds without the delivery of a chunk after which Kafka counts as unavailable."""

REPORTS_WAIT = 0.02
"""Seconds to wait for delivery reports or for room in a window; a new lease ends the wait."""

HELD_WAIT = 0.1
"""Seconds between two reads of the partition map while it is draining."""

FAILED_WAIT = 1.0
"""Seconds to wait before publishing again after Kafka refused a chunk."""


@dataclass(frozen=True)
class FanOutDependencies:
    """The components that the fan-out loop uses."""

    databases: Databases
    leases: HeldLeases
    publisher: Publisher
    reader: ChunkReader
    checkpoints: CheckpointWriter
    outages: OutageLog
    outcomes: OutcomeCounts
    tracer: Tracer | None = None
    routes: Routes = field(default_factory=Routes)
    limits: Mapping[str, ProviderLimits] = field(default_factory=dict)
    """Configured limits of the providers."""


class FanOutLoop:
    """Loop that publishes for every campaign that this process leases, in turn."""

    def __init__(self, dependencies: FanOutDependencies, flow_control: FlowControl) -> None:
        self._uses = dependencies
        self._flow_control = flow_control
        self._campaigns: dict[LeaseKey, CampaignFanOut] = {}
        self._unread: dict[LeaseKey, CampaignFanOut] = {}  # in the order of their turns
        self._in_flight: dict[LeaseKey, CampaignFanOut] = {}  # those with chunks in flight
        self._unsigned: set[LeaseKey] = set()  # those whose links cannot be made here
        self._paused_until = 0.0
        self._read_breakers_at = 0.0
        self._circuit_open: frozenset[CampaignId] = frozenset()
        self._ceilings: dict[CampaignId, int] = {}

    def run(self, stopping: threading.Event, beat: Callable[[], None]) -> None:
        """Publish until `stopping` is set, then commit the chunks in flight and return.

        `beat` is called before each step.
        """
        self._uses.publisher.connect()
        backoff = Backoff(stopping.wait, first=0.1, longest=5.0)
        while not stopping.is_set():
            beat()
            if self._uses.outages.run(FAN_OUT, self.step):
                backoff.succeeded()
            else:
                backoff.pause()
        while self._in_flight:
            self._uses.publisher.poll(REPORTS_WAIT)
            self._uses.outages.run(FAN_OUT, self._settle_in_flight)

    def step(self) -> None:
        """Commit delivered chunks, then publish one more chunk or wait a moment.

        Raises:
            RetryLater: the database is down; nothing is lost, and the next step continues.
        """
        self._sync_with_leases()
        self._uses.publisher.poll(0)
        self._settle_in_flight()
        if not (self._has_room_in_flight() and self._publish_next()):
            self._wait()

    def _sync_with_leases(self) -> None:
        leases = self._uses.leases
        if not leases.changed.is_set():
            return
        leases.changed.clear()
        held = {lease.key: lease for lease in leases.current()}
        new_window, new_backlog = self._flow_control.new_window, self._flow_control.new_backlog
        self._campaigns = {
            key: self._campaigns.get(key)
            or CampaignFanOut.from_lease(lease, new_window(), new_backlog())
            for key, lease in held.items()
        }
        self._unread = {key: one for key, one in self._campaigns.items() if not one.is_read}
        for key in self._in_flight.keys() - self._campaigns.keys():
            self._in_flight.pop(key).rewind("the lease is lost")
        for key in self._unsigned - self._campaigns.keys():
            self._links_settled(key)

    # -- publishing

    def _has_room_in_flight(self) -> bool:
        chunks = [chunk for fan_out in self._in_flight.values() for chunk in fan_out.in_flight]
        unreported = sum(chunk.publication.unreported for chunk in chunks)
        return unreported <= self._flow_control.chunk_size and len(chunks) < MAX_CHUNKS_IN_FLIGHT

    def _publish_next(self) -> bool:
        """Publish a chunk of the next campaign whose window has room."""
        if monotonic() < self._paused_until:
            return False
        self._sample_counters()
        self._read_providers()
        for key, fan_out in list(self._unread.items()):
            if fan_out.lease.campaign_id in self._circuit_open:
                continue
            allowance = fan_out.window.allowance(
                fan_out.queued,
                self._flow_control.chunk_size,
                self._ceilings.get(fan_out.lease.campaign_id),
            )
            if not allowance:
                continue
            del self._unread[key]  # its next turn comes after all the others'
            self._unread[key] = fan_out
            try:
                return self._publish_chunk(fan_out, allowance)
            except LinksUnsigned as error:
                self._unsigned.add(key)
                self._uses.outages.failed(LINKS, error)
        return False

    def _sample_counters(self) -> None:
        now = monotonic()
        due = {
            fan_out.lease.campaign_id: fan_out
            for fan_out in self._unread.values()
            if now - fan_out.sampled_at > COUNTERS_INTERVAL
        }
        if not due:
            return
        outcomes = self._uses.outcomes.by_shard(list(due))
        claimed = self._uses.outcomes.claimed()
        for campaign_id, fan_out in due.items():
            fan_out.sample(now, outcomes[campaign_id], claimed[campaign_id])

    def _read_providers(self) -> None:
        """Read for which campaigns a circuit is open, and what rates and limits let through."""
        now = monotonic()
        if not self._unread or now < self._read_breakers_at:
            return
        self._read_breakers_at = now + COUNTERS_INTERVAL
        with self._uses.databases.main.reading() as cursor:
            owner = self._uses.leases.holder.owner
            follow_live_weights(cursor, self._uses.routes)
            self._circuit_open = campaigns_with_open_circuit(cursor, owner, self._uses.routes)
            bounded = bounded_campaigns(cursor, owner, self._uses.limits, self._uses.routes)
        self._ceilings = {campaign: ceiling_of(bounds) for campaign, bounds in bounded.items()}
        for fan_out in self._unread.values():
            bounds = bounded.get(fan_out.lease.campaign_id)
            fan_out.max_rate = None if bounds is None else bounds.max_rate

    def _publish_chunk(self, fan_out: CampaignFanOut, limit: int) -> bool:
        began = time_ns()
        try:
            records, partition_map = self._uses.reader.read(fan_out, limit)
        except (PublishingHeld, TopicMissing) as error:
            self._uses.outages.failed("publish-chunks", error)
            self._paused_until = monotonic() + HELD_WAIT
            return False
        self._uses.outages.recovered("publish-chunks")
        self._links_settled(fan_out.lease.key)
        counts = records.counts
        publication = Publication(sum(counts.values()))
        checkpoint = fan_out.checkpoint_after(records.last_seq, records.recipients)
        span = self._begin_span(fan_out, began)
        chunk = PublishedChunk(checkpoint, partition_map.version, publication, monotonic(), span)
        fan_out.add_published(chunk)
        self._requeue(fan_out)
        traceparent = traceparent_of(span) if span else None
        self._uses.publisher.publish(records.groups, publication, traceparent)
        fan_out.backlog.add(counts, partition_map)
        return True

    def _links_settled(self, key: LeaseKey) -> None:
        """Note that a campaign is not held for its links, or not by this process."""
        if key in self._unsigned:
            self._unsigned.remove(key)
            if not self._unsigned:
                self._uses.outages.recovered(LINKS)

    def _begin_span(self, fan_out: CampaignFanOut, at: int) -> Span | None:
        tracer, origin = self._uses.tracer, fan_out.lease.traceparent
        if tracer is None:
            return None
        return begin_span(
            tracer, "publish chunk", SpanKind.PRODUCER, [origin] if origin else [], at=at
        )

    def _requeue(self, fan_out: CampaignFanOut) -> None:
        """Sort a campaign in after its chunks were published, committed or rewound."""
        key = fan_out.lease.key
        if fan_out.in_flight:
            self._in_flight[key] = fan_out
        else:
            self._in_flight.pop(key, None)
        if fan_out.is_read:
            self._unread.pop(key, None)
        else:
            self._unread.setdefault(key, fan_out)

    def _wait(self) -> None:
        if self._in_flight:
            self._uses.publisher.poll(REPORTS_WAIT)
        else:
            self._uses.leases.changed.wait(REPORTS_WAIT)

    # -- committing

    def _settle_in_flight(self) -> None:
        """Commit the chunks that are delivered, and rewind campaigns with a failed chunk."""
        campaigns = list(self._in_flight.values())
        delivered = [(fan_out, chunk) for fan_out in campaigns for chunk in fan_out.delivered()]
        if delivered:
            self._uses.checkpoints.commit(delivered)
            self._uses.outages.recovered("deliver-chunks")
        for fan_out in campaigns:
            failure = fan_out.failure()
            if failure is not None and failure.error is not None:
                self._rewind_failed(fan_out, failure)
            self._requeue(fan_out)
        self._report_slow_delivery(campaigns)

    def _rewind_failed(self, fan_out: CampaignFanOut, failure: Publication) -> None:
        fan_out.refused.update(seqs_of(failure.too_large))
        if failure.error is None:
            fan_out.rewind("not delivered")
            return
        error = self._uses.publisher.cause_of(failure.error)
        fan_out.rewind(error.str())
        self._uses.outages.failed("deliver-chunks", KafkaUnavailable(error.str()))
        if not failure.too_large:
            self._paused_until = monotonic() + FAILED_WAIT

    def _report_slow_delivery(self, campaigns: list[CampaignFanOut]) -> None:
        oldest_allowed = monotonic() - SLOW_DELIVERY
        if any(
            one.in_flight and one.in_flight[0].published_at < oldest_allowed for one in campaigns
        ):
            slow = KafkaUnavailable(f"no delivery within {SLOW_DELIVERY:.0f} s")
            self._uses.outages.failed("deliver-chunks", slow)
