"""Fan-out: the recipients of running campaigns become records in Kafka, a chunk at a time.

A chunk counts once every record of it has been delivered and the checkpoint in MySQL has
moved past it (protocol rule 8). A crash in between publishes that chunk again, which the
senders' look-up makes harmless.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic, time_ns

from campaign_common.database import Databases
from campaign_common.errors import KafkaUnavailable, PublishingHeld, TopicMissing
from campaign_common.outages import Backoff, Outages
from campaign_common.store.breakers import campaigns_left_alone
from campaign_common.tracing import Kind, Span, Tracing
from campaign_scheduler.fanout.campaign_fan_out import Chunk, Progress
from campaign_scheduler.fanout.checkpoint_writer import Checkpoints
from campaign_scheduler.fanout.chunk_reader import ChunkReader
from campaign_scheduler.fanout.outcome_counts import Outcomes
from campaign_scheduler.fanout.partition_backlog import Backlog
from campaign_scheduler.fanout.publish_window import Window
from campaign_scheduler.held_leases import Leases
from campaign_scheduler.publishing.publisher import Publication, Publisher
from campaign_scheduler.publishing.record_builder import seqs_of

FAN_OUT = "fan-out"
"""What outages are noted under."""

SAMPLE_INTERVAL = 0.2
"""Seconds between two looks at a campaign's counters."""

INITIAL_CHUNKS = 2
"""Chunks of a campaign that may be outstanding before anything is known of its rate."""

CHUNKS_IN_FLIGHT = 64
"""Chunks published and not counted yet, at most; small campaigns make small chunks."""

SLOW_DELIVERY = 5.0
"""Seconds without the delivery of a chunk after which Kafka is called unavailable."""

IDLE_WAIT = 0.02
"""Seconds to wait for reports or for room in a window; a new lease ends the wait."""

HELD_WAIT = 0.1
"""Seconds until the partition map is looked at again while it is draining."""

FAILED_WAIT = 1.0
"""Seconds until something is published again after Kafka refused a chunk."""

LEAST_PATIENCE = 1.0
"""Seconds, and one and a half windows, without an outcome: then a partition stands still."""

Key = tuple[int, int]
"""A lease: the campaign and the lease's epoch."""


@dataclass(frozen=True)
class FanOutRules:
    """How much fan-out publishes at a time, and how far ahead of the senders."""

    chunk_size: int
    new_window: Callable[[], Window]
    new_backlog: Callable[[], Backlog]

    @classmethod
    def paced(cls, chunk_size: int, window_seconds: float) -> "FanOutRules":
        """Hold what is outstanding to so many seconds of each campaign's rate."""
        return cls(
            chunk_size,
            partial(Window, window_seconds, INITIAL_CHUNKS * chunk_size),
            partial(Backlog, LEAST_PATIENCE + 1.5 * window_seconds),
        )


@dataclass(frozen=True)
class FanOutParts:
    """What fan-out works with."""

    databases: Databases
    leases: Leases
    publisher: Publisher
    reader: ChunkReader
    checkpoints: Checkpoints
    outages: Outages
    outcomes: Outcomes
    tracing: Tracing | None = None


class FanOut:
    """The loop that publishes for every campaign this process leases, in turn."""

    def __init__(self, parts: FanOutParts, rules: FanOutRules) -> None:
        self._parts = parts
        self._rules = rules
        self._progress: dict[Key, Progress] = {}
        self._unread: dict[Key, Progress] = {}  # in the order of their turns
        self._busy: dict[Key, Progress] = {}  # with chunks on their way to Kafka
        self._held_until = 0.0
        self._look_at_breakers_at = 0.0
        self._left_alone: frozenset[int] = frozenset()

    def run(self, stopping: threading.Event, beat: Callable[[], None]) -> None:
        """Publish until `stopping` is set; then count what is on its way, and return.

        `beat` is called before each step.
        """
        self._parts.publisher.connect()
        backoff = Backoff(stopping.wait, first=0.1, longest=5.0)
        while not stopping.is_set():
            beat()
            if self._parts.outages.attempt(FAN_OUT, self.step):
                backoff.succeeded()
            else:
                backoff.pause()
        while self._busy:
            self._parts.publisher.poll(IDLE_WAIT)
            self._parts.outages.attempt(FAN_OUT, self._settle)

    def step(self) -> None:
        """Count what is delivered and publish one more chunk, or wait a moment.

        Raises:
            RetryLater: the database is away; nothing is lost and the next step goes on.
        """
        self._follow_leases()
        self._parts.publisher.poll(0)
        self._settle()
        if not (self._has_room_in_flight() and self._publish_next()):
            self._wait()

    def _follow_leases(self) -> None:
        leases = self._parts.leases
        if not leases.changed.is_set():
            return
        leases.changed.clear()
        held = {lease.key: lease for lease in leases.held()}
        self._progress = {
            key: self._progress.get(key)
            or Progress.under(lease, self._rules.new_window(), self._rules.new_backlog())
            for key, lease in held.items()
        }
        self._unread = {key: one for key, one in self._progress.items() if not one.is_read}
        for key in self._busy.keys() - self._progress.keys():
            self._busy.pop(key).rewind("the lease is lost")

    # -- publishing

    def _has_room_in_flight(self) -> bool:
        chunks = [chunk for progress in self._busy.values() for chunk in progress.in_flight]
        unreported = sum(chunk.publication.unreported for chunk in chunks)
        return unreported <= self._rules.chunk_size and len(chunks) < CHUNKS_IN_FLIGHT

    def _publish_next(self) -> bool:
        """Publish a chunk of the first campaign in turn whose window has room."""
        if monotonic() < self._held_until:
            return False
        self._sample_counters()
        self._notice_breakers()
        for key, progress in self._unread.items():
            if progress.lease.campaign_id in self._left_alone:
                continue
            room = progress.window.room(progress.waiting, self._rules.chunk_size)
            if room:
                del self._unread[key]  # its next turn comes after all the others'
                self._unread[key] = progress
                return self._publish_chunk(progress, room)
        return False

    def _sample_counters(self) -> None:
        now = monotonic()
        due = {
            progress.lease.campaign_id: progress
            for progress in self._unread.values()
            if now - progress.sampled_at > SAMPLE_INTERVAL
        }
        if not due:
            return
        recorded = self._parts.outcomes.by_shard(list(due))
        claimed = self._parts.outcomes.claimed()
        for campaign_id, progress in due.items():
            progress.sample(now, recorded[campaign_id], claimed[campaign_id])

    def _notice_breakers(self) -> None:
        """Hold what could not be sent now: it would only become a retry, row by row."""
        now = monotonic()
        if not self._unread or now < self._look_at_breakers_at:
            return
        self._look_at_breakers_at = now + SAMPLE_INTERVAL
        with self._parts.databases.main.reading() as cursor:
            self._left_alone = campaigns_left_alone(cursor, self._parts.leases.holder.owner)

    def _publish_chunk(self, progress: Progress, room: int) -> bool:
        began = time_ns()
        try:
            records, partition_map = self._parts.reader.read(progress, room)
        except (PublishingHeld, TopicMissing) as error:
            self._parts.outages.began("publishing", error)
            self._held_until = monotonic() + HELD_WAIT
            return False
        self._parts.outages.ended("publishing")
        counts = records.counts
        publication = Publication(sum(counts.values()))
        checkpoint = progress.checkpoint_after(records.last_seq, records.recipients)
        span = self._begin_span(progress, began)
        chunk = Chunk(checkpoint, partition_map.version, publication, monotonic(), span)
        progress.published(chunk)
        self._follow(progress)
        traceparent = span.traceparent if span else None
        self._parts.publisher.publish(records.groups, publication, traceparent)
        progress.backlog.published(counts, partition_map)
        return True

    def _begin_span(self, progress: Progress, at: int) -> Span | None:
        if self._parts.tracing is None:
            return None
        origin = progress.lease.traceparent
        return self._parts.tracing.begin(
            "publish chunk", Kind.PRODUCER, [origin] if origin else [], at=at
        )

    def _follow(self, progress: Progress) -> None:
        """Put a campaign where it belongs after its chunks were published, counted or lost."""
        key = progress.lease.key
        if progress.in_flight:
            self._busy[key] = progress
        else:
            self._busy.pop(key, None)
        if progress.is_read:
            self._unread.pop(key, None)
        else:
            self._unread.setdefault(key, progress)

    def _wait(self) -> None:
        if self._busy:
            self._parts.publisher.poll(IDLE_WAIT)
        else:
            self._parts.leases.changed.wait(IDLE_WAIT)

    # -- counting

    def _settle(self) -> None:
        """Count the chunks that are delivered, and send back those that are not."""
        busy = list(self._busy.values())
        delivered = [(progress, chunk) for progress in busy for chunk in progress.delivered()]
        if delivered:
            self._parts.checkpoints.count(delivered)
            self._parts.outages.ended("delivery to Kafka")
        for progress in busy:
            failure = progress.failure()
            if failure is not None and failure.error is not None:
                self._publish_again(progress, failure)
            self._follow(progress)
        self._notice_slow_delivery(busy)

    def _publish_again(self, progress: Progress, failure: Publication) -> None:
        progress.refused.update(seqs_of(failure.too_large))
        if failure.error is None:
            progress.rewind("not delivered")
            return
        error = self._parts.publisher.cause_of(failure.error)
        progress.rewind(error.str())
        self._parts.outages.began("delivery to Kafka", KafkaUnavailable(error.str()))
        if not failure.too_large:
            self._held_until = monotonic() + FAILED_WAIT

    def _notice_slow_delivery(self, busy: list[Progress]) -> None:
        now = monotonic()
        if any(p.in_flight and now - p.in_flight[0].published_at > SLOW_DELIVERY for p in busy):
            slow = KafkaUnavailable(f"no delivery within {SLOW_DELIVERY:.0f} s")
            self._parts.outages.began("delivery to Kafka", slow)
