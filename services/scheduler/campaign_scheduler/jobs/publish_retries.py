"""Job that publishes retries that are due, and stranded ones (protocol rule 9).

A retry is stranded when its record is published and will never be consumed.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import time_ns

from confluent_kafka import KafkaError, Message
from opentelemetry.trace import Span, SpanKind, Tracer
from prometheus_client import Counter
from pymysql.cursors import Cursor

from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import CompiledContent
from campaign_common.domain.message_record import ERASED, decode, encode
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.domain.recipient import is_erased
from campaign_common.domain.routing.routes import Routes
from campaign_common.errors import DatabaseUnavailable, KafkaUnavailable
from campaign_common.runtime.outage_log import Outage
from campaign_common.store.campaigns.fanout import RecipientRow, read_listed
from campaign_common.store.campaigns.leases import Lease, read_leases
from campaign_common.store.core.contents import campaigns_with_links
from campaign_common.store.limits.live_weights import follow_live_weights
from campaign_common.store.messages import retry_publication as store
from campaign_common.store.messages.retry_publication import DueRetry, Epochs, Stamp
from campaign_common.tracing.spans import begin_span, end_span, traceparent_of
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.metrics import DUE_RETRIES_PUBLISHED, STRANDED_RETRIES_PUBLISHED
from campaign_scheduler.publishing.active_map import active_map
from campaign_scheduler.publishing.message_links import links_in, obstacle_to_links
from campaign_scheduler.publishing.publisher import Publication, Publisher, RecordsByPartition
from campaign_scheduler.publishing.record_builder import (
    RECIPIENT_GONE,
    PartitionedRecord,
    RecordBuilder,
    TryNumbers,
    without_body,
)

STRANDED_INTERVAL = 2.0
"""Seconds between two searches for stranded retries."""

BATCH = 1_000
"""Retries of one shard published together."""

MAX_BATCHES = 10
"""Batches of one shard in a row; then the other shards have their turn."""

REPORT_WAIT = 0.05
"""Seconds to wait for delivery reports before checking again for a stop."""

RetryBatch = list[tuple[Lease, list[tuple[Stamp, PartitionedRecord]]]]
"""Records by campaign, each with the stamp that is written when it is delivered."""

FindRetries = Callable[[Cursor, int, Epochs, PartitionMap], list[DueRetry]]


class RetryPublisher:
    """Publisher of the retries of the running campaigns that `owner` leases."""

    def __init__(  # noqa: PLR0913 - what finds retries, and what publishes them
        self,
        databases: Databases,
        availability: ServerAvailability,
        publisher: Publisher,
        stopping: threading.Event,
        *,
        topic: str,
        owner: str,
        routes: Routes,
        tracer: Tracer | None = None,
        links: UnsubscribeLinks | None = None,
    ) -> None:
        self._databases = databases
        self._availability = availability
        self._publisher = publisher
        self._stopping = stopping
        self._topic = topic
        self._owner = owner
        self._routes = routes
        self._tracer = tracer
        self._links = links
        self._unsigned = Outage(
            "retries with links not published", "no retries with links held any more"
        )

    def publish_due(self) -> None:
        """Publish the retries that are due.

        Raises:
            RetryLater: a database or Kafka is down, or publishing is held; records that were not
                stamped are published again.
        """
        self._publish_found(
            lambda cursor, shard, campaigns, _: store.due_retries(cursor, shard, campaigns, BATCH),
            DUE_RETRIES_PUBLISHED,
        )

    def publish_stranded(self) -> None:
        """Publish stranded retries again.

        Raises:
            RetryLater: as for `publish_due`.
        """
        self._publish_found(
            lambda cursor, shard, campaigns, current: store.overtaken_retries(
                cursor, shard, campaigns, current, BATCH
            ),
            STRANDED_RETRIES_PUBLISHED,
        )

    def _publish_found(self, find: FindRetries, published: Counter) -> None:
        with self._databases.main.reading() as cursor:
            follow_live_weights(cursor, self._routes)
            sendable = store.sendable_campaigns(cursor, self._owner, self._routes)
            sendable = self._without_unsigned(cursor, sendable)
        for database in self._databases.all:
            query = partial(store.waiting_campaigns, sendable=sendable)
            waiting = self._availability.query(database, query) or {}
            for shard, campaigns in sorted(waiting.items()):
                if self._databases.of_shard(shard) is database:
                    self._publish_batches(shard, campaigns, find, published)

    def _without_unsigned(self, cursor: Cursor, sendable: Epochs) -> Epochs:
        """Leave campaigns out whose links cannot be made here.

        Their retries stay due, so that each search would find them before those of the others.
        """
        obstacle = obstacle_to_links(self._links)
        held = frozenset() if obstacle is None else campaigns_with_links(cursor, sendable)
        if obstacle is None or not held:
            self._unsigned.recovered()
            return sendable
        self._unsigned.failed(obstacle)
        return {key: epoch for key, epoch in sendable.items() if key not in held}

    def _publish_batches(
        self, shard: int, campaigns: Epochs, find: FindRetries, published: Counter
    ) -> None:
        for _ in range(MAX_BATCHES):
            database = self._databases.of_shard(shard)
            if self._stopping.is_set() or self._availability.is_down(database):
                return
            try:
                if self._publish_batch(shard, campaigns, find, published) < BATCH:
                    return
            except DatabaseUnavailable as error:
                # Either server may have failed; after the main one, the next query raises.
                self._availability.mark_down(database, error)

    def _publish_batch(
        self, shard: int, campaigns: Epochs, find: FindRetries, published: Counter
    ) -> int:
        began = time_ns()
        with self._databases.server_of(shard).reading() as cursors:
            partition_map = active_map(cursors.main, self._topic)
            retries = find(cursors.own, shard, campaigns, partition_map)
            batch = self._build_batch(cursors.main, shard, retries, partition_map)
        stamps: list[Stamp] = []
        publication = self._publish_and_wait(batch, stamps, began)
        if publication.is_too_large and (bodiless := _without_bodies(batch, publication)):
            publication = self._publish_and_wait(bodiless, stamps, began)
        topic_id = partition_map.topic_id
        if stamps:
            self._databases.of_shard(shard).run(
                lambda cursor: store.stamp_published(cursor, shard, stamps, topic_id)
            )
        published.inc(len(stamps))
        self._raise_failure(publication)
        return len(retries)

    def _publish_and_wait(self, batch: RetryBatch, stamps: list[Stamp], began: int) -> Publication:
        """Publish records and wait for their delivery reports, which append to `stamps`."""
        publication = Publication(sum(len(messages) for _, messages in batch))
        span = self._begin_span(batch, began)
        traceparent = traceparent_of(span) if span else None
        for _, messages in batch:
            groups: RecordsByPartition = defaultdict(list)
            for stamp, (partition, message) in messages:
                message["callback"] = partial(_on_report, publication, stamps, stamp)
                groups[partition].append(message)
            self._publisher.publish(groups, publication, traceparent)
        while not (publication.is_settled or self._stopping.is_set()):
            self._publisher.poll(REPORT_WAIT)
        if span is not None:
            failure = publication.error.str() if publication.error else None
            end_span(span, {"campaign.retries": len(stamps)}, failure=failure)
        return publication

    def _begin_span(self, batch: RetryBatch, at: int) -> Span | None:
        if self._tracer is None or not batch:
            return None
        origins = [lease.traceparent for lease, _ in batch if lease.traceparent]
        return begin_span(self._tracer, "publish retries", SpanKind.PRODUCER, origins, at=at)

    def _raise_failure(self, publication: Publication) -> None:
        if publication.error is None:
            return
        error = self._publisher.cause_of(publication.error)
        raise KafkaUnavailable(f"publishing retries: {error.str()}")

    def _build_batch(
        self, cursor: Cursor, shard: int, retries: Sequence[DueRetry], partition_map: PartitionMap
    ) -> RetryBatch:
        by_campaign: dict[CampaignId, list[DueRetry]] = defaultdict(list)
        for retry in retries:
            by_campaign[retry.campaign_id].append(retry)
        # The epoch is read, not remembered: a record of an older one is stale.
        leases = read_leases(cursor, list(by_campaign), self._owner)
        batch: RetryBatch = []
        for lease in leases:
            link = links_in(lease, self._links)
            wanted = by_campaign[lease.campaign_id]
            rows = read_listed(cursor, lease.list_id, [retry.seq for retry in wanted])
            found = {row[0]: row for row in rows}
            content = CompiledContent(lease.campaign_content.content)
            builder = RecordBuilder(lease, content, partition_map, link)
            messages = [
                (_stamp_without_offset(lease, retry), _record(builder, shard, retry, found))
                for retry in wanted
            ]
            batch.append((lease, messages))
        return batch


def _without_bodies(batch: RetryBatch, publication: Publication) -> RetryBatch:
    """Return the records that were too large, without their bodies if they still had one."""
    refused = set(publication.too_large)
    return [
        (
            lease,
            [
                (stamp, (partition, {"value": encode(without_body(record)), "key": message["key"]}))
                for stamp, (partition, message) in messages
                if message["value"] in refused
                and (record := decode(message["value"])).undeliverable is None
            ],
        )
        for lease, messages in batch
    ]


def _record(
    builder: RecordBuilder, shard: int, retry: DueRetry, found: Mapping[int, RecipientRow]
) -> PartitionedRecord:
    numbers = TryNumbers(retry.generation, retry.try_number, retry.attempts)
    row = found.get(retry.seq)
    if row is None:
        return builder.build_for_missing_recipient(retry.seq, shard, numbers, RECIPIENT_GONE)
    if is_erased(row[1]):
        return builder.build_for_missing_recipient(retry.seq, shard, numbers, ERASED)
    return builder.build(row, numbers)


def _stamp_without_offset(lease: Lease, retry: DueRetry) -> Stamp:
    return Stamp(
        retry.campaign_id,
        retry.seq,
        retry.generation,
        retry.try_number,
        lease.epoch,
        partition=-1,
        offset=-1,
        held_back=retry.held_back,
    )


def _on_report(
    publication: Publication,
    stamps: list[Stamp],
    stamp: Stamp,
    error: KafkaError | None,
    message: Message,
) -> None:
    publication.on_report(error, message)
    partition, offset = message.partition(), message.offset()
    if error is None and partition is not None and offset is not None:
        stamps.append(stamp._replace(partition=partition, offset=offset))
