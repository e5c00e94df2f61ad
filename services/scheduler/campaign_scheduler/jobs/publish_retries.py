"""Publishing retries that are due, and again those whose record no sender will meet (rule 9)."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import time_ns

from confluent_kafka import KafkaError, Message
from pymysql.cursors import Cursor

from campaign_common.database import Databases
from campaign_common.errors import DatabaseUnavailable, KafkaUnavailable
from campaign_common.partition_map import PartitionMap
from campaign_common.recipient import is_erased
from campaign_common.store import retry_publication as store
from campaign_common.store.fanout import RecipientRow, read_listed
from campaign_common.store.leases import Lease, read_leases
from campaign_common.store.retry_publication import Epochs, Retry, Stamp
from campaign_common.template import Template
from campaign_common.tracing import Kind, Span, Tracing
from campaign_common.wire import ERASED, decode, encode
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.publishing.active_map import active_map
from campaign_scheduler.publishing.publisher import Publication, Publisher, RecordsByPartition
from campaign_scheduler.publishing.record_builder import (
    RECIPIENT_GONE,
    PartitionedRecord,
    RecordBuilder,
    TryNumbers,
    without_body,
)

BATCH = 1_000
"""Retries of one shard published together."""

BATCHES = 10
"""Batches of one shard in a row, so that one shard's flood leaves the others their turn."""

REPORT_WAIT = 0.05
"""Seconds between two looks at whether the process is to stop."""

RetryBatch = list[tuple[Lease, list[tuple[Stamp, PartitionedRecord]]]]
"""The records of a batch by their campaign, each with the stamp for when it is delivered."""

Find = Callable[[Cursor, int, Epochs, PartitionMap], list[Retry]]


class Retrier:
    """Publishes what waits for another try, for the running campaigns that `owner` leases."""

    def __init__(
        self,
        databases: Databases,
        availability: ServerAvailability,
        publisher: Publisher,
        stopping: threading.Event,
        *,
        topic: str,
        owner: str,
        tracing: Tracing | None = None,
    ) -> None:
        self._databases = databases
        self._availability = availability
        self._publisher = publisher
        self._stopping = stopping
        self._topic = topic
        self._owner = owner
        self._tracing = tracing
        self.published = 0
        """How many records, for the metrics."""

    def publish_due(self) -> None:
        """Publish the retries whose time has come.

        Raises:
            RetryLater: a database or Kafka is away, or publishing is held; what was not
                stamped is published again.
        """
        self._publish_found(
            lambda cursor, shard, campaigns, _: store.due_retries(cursor, shard, campaigns, BATCH)
        )

    def publish_overtaken(self) -> None:
        """Publish again what was published, still waits, and would wait for ever.

        Raises:
            RetryLater: as for `publish_due`.
        """
        self._publish_found(
            lambda cursor, shard, campaigns, current: store.overtaken_retries(
                cursor, shard, campaigns, current, BATCH
            )
        )

    def _publish_found(self, find: Find) -> None:
        with self._databases.main.reading() as cursor:
            sendable = store.sendable_campaigns(cursor, self._owner)
        for database in self._databases.all:
            query = partial(store.waiting_campaigns, sendable=sendable)
            waiting = self._availability.query(database, query) or {}
            for shard, campaigns in sorted(waiting.items()):
                if self._databases.of_shard(shard) is database:
                    self._publish_batches(shard, campaigns, find)

    def _publish_batches(self, shard: int, campaigns: Epochs, find: Find) -> None:
        for _ in range(BATCHES):
            database = self._databases.of_shard(shard)
            if self._stopping.is_set() or self._availability.is_down(database):
                return
            try:
                if self._publish_batch(shard, campaigns, find) < BATCH:
                    return
            except DatabaseUnavailable as error:
                # Whichever of the two it was: the main one is asked again for the next shard.
                self._availability.mark_down(database, error)

    def _publish_batch(self, shard: int, campaigns: Epochs, find: Find) -> int:
        began = time_ns()
        with self._databases.server_of(shard).reading() as cursors:
            partition_map = active_map(cursors.main, self._topic)
            retries = find(cursors.own, shard, campaigns, partition_map)
            batch = self._build_batch(cursors.main, shard, retries, partition_map)
        stamps: list[Stamp] = []
        publication = self._published(batch, stamps, began)
        if publication.is_too_large and (bodiless := _without_bodies(batch, publication)):
            publication = self._published(bodiless, stamps, began)
        topic_id = partition_map.topic_id
        if stamps:
            self._databases.of_shard(shard).run(
                lambda cursor: store.stamp_published(cursor, shard, stamps, topic_id)
            )
        self.published += len(stamps)
        self._refuse_failed(publication)
        return len(retries)

    def _published(self, batch: RetryBatch, stamps: list[Stamp], began: int) -> Publication:
        """Publish records and wait for their reports, which put stamps into `stamps`."""
        publication = Publication(sum(len(messages) for _, messages in batch))
        span = self._begin_span(batch, began)
        traceparent = span.traceparent if span else None
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
            span.end({"campaign.retries": len(stamps)}, failure=failure)
        return publication

    def _begin_span(self, batch: RetryBatch, at: int) -> Span | None:
        if self._tracing is None or not batch:
            return None
        origins = [lease.traceparent for lease, _ in batch if lease.traceparent]
        return self._tracing.begin("publish retries", Kind.PRODUCER, origins, at=at)

    def _refuse_failed(self, publication: Publication) -> None:
        if publication.error is None:
            return
        error = self._publisher.cause_of(publication.error)
        raise KafkaUnavailable(f"publishing retries: {error.str()}")

    def _build_batch(
        self, cursor: Cursor, shard: int, retries: Sequence[Retry], partition_map: PartitionMap
    ) -> RetryBatch:
        by_campaign: dict[int, list[Retry]] = defaultdict(list)
        for retry in retries:
            by_campaign[retry.campaign_id].append(retry)
        # The epoch is read here and not taken from memory: a record of an older one is void.
        leases = read_leases(cursor, list(by_campaign), self._owner)
        batch: RetryBatch = []
        for lease in leases:
            wanted = by_campaign[lease.campaign_id]
            rows = read_listed(cursor, lease.list_id, [retry.seq for retry in wanted])
            found = {row[0]: row for row in rows}
            builder = RecordBuilder(lease, Template.compile(lease.template), partition_map)
            messages = [
                (_unplaced(lease, retry), _record(builder, shard, retry, found)) for retry in wanted
            ]
            batch.append((lease, messages))
        return batch


def _without_bodies(batch: RetryBatch, publication: Publication) -> RetryBatch:
    """Have the records that were too large say so, as far as they do not do that already."""
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
    builder: RecordBuilder, shard: int, retry: Retry, found: Mapping[int, RecipientRow]
) -> PartitionedRecord:
    numbers = TryNumbers(retry.generation, retry.try_number, retry.attempts)
    row = found.get(retry.seq)
    if row is None:
        return builder.build_for_missing_recipient(retry.seq, shard, numbers, RECIPIENT_GONE)
    if is_erased(row[1]):
        return builder.build_for_missing_recipient(retry.seq, shard, numbers, ERASED)
    return builder.build(row, numbers)


def _unplaced(lease: Lease, retry: Retry) -> Stamp:
    return Stamp(
        retry.campaign_id,
        retry.seq,
        retry.generation,
        retry.try_number,
        lease.epoch,
        partition=-1,
        offset=-1,
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
