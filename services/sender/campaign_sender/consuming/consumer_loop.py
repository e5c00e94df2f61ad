"""Consumer loop: fetch, decode, admit. Everything after that happens through the buffers."""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import structlog
from confluent_kafka import KafkaError
from confluent_kafka import Message as KafkaRecord

from campaign_common.errors import CampaignError, RetryLater
from campaign_common.runtime.backoff import Backoff
from campaign_common.runtime.outage_log import Outage
from campaign_sender.consuming.backpressure import Backpressure
from campaign_sender.consuming.record_decoder import RecordDecoder
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.shard_ownership import ShardOwnership

FETCH_TIMEOUT = 0.05
"""Seconds to wait for a full batch."""

POLL_TIMEOUT = 0.1
"""Seconds to poll while everything is paused."""

LONGEST_REJOIN_DELAY = 5.0
"""Seconds between two attempts to go on with a new client; the first comes after 0.2."""

_FATAL = KafkaError._FATAL  # noqa: SLF001 - a constant of the client

log = structlog.get_logger()


class ThreadDied(CampaignError):
    """A required thread has failed; the process must end."""


class ConsumerFailed(CampaignError):
    """The Kafka client has reported a fatal error; only a new client can go on."""


class RequiredThread(Protocol):
    """Thread without which the process must not go on."""

    @property
    def alive(self) -> bool:
        """Return whether it runs."""


class ConsumerLoop:
    """Loop over batches until `stop` is set; its thread alone uses the consumer."""

    def __init__(  # noqa: PLR0913 - the steps of a batch
        self,
        consumer: GroupMember,
        ownership: ShardOwnership,
        decoder: RecordDecoder,
        groups: Sequence[Backpressure],
        threads: Sequence[RequiredThread],
        beat: Callable[[], None],
        stop: threading.Event,
        *,
        batch_size: int,
    ) -> None:
        self._consumer = consumer
        self._ownership = ownership
        self._decoder = decoder
        self._groups = groups
        self._threads = threads
        self._beat = beat
        self._batch_size = batch_size
        self._fetched: Sequence[KafkaRecord] = ()
        self._stop = stop
        self._rejoins = Backoff(stop.wait, first=0.2, longest=LONGEST_REJOIN_DELAY)
        self._outage = Outage("Kafka consumer error", "Kafka consumer recovered", log)

    def run(self) -> None:
        """Work until stopped; the shards and the group membership are kept.

        Raises:
            ThreadDied: the process must be restarted.
        """
        self._ownership.subscribe()
        while not self._stop.is_set():
            self._run_once()

    def _run_once(self) -> None:
        if not all(thread.alive for thread in self._threads):
            raise ThreadDied("a required thread has failed; the log says which")
        self._beat()
        try:
            self._run_batch()
        except ConsumerFailed as error:
            self._rejoin(error)

    def _rejoin(self, error: ConsumerFailed) -> None:
        log.error("joining the group again with a new Kafka client", error=str(error))
        self._fetched = ()
        self._ownership.rejoin()
        self._rejoins.pause()

    def _run_batch(self) -> None:
        self._forget_fetched(self._ownership.run_due_takeovers())
        self._ownership.pause_blocked()
        self._ownership.commit_offsets()
        fetchable = [group for group in self._groups if group.can_fetch()]
        self._ownership.pause_groups(
            [waiting.group for waiting in self._groups if waiting not in fetchable]
        )
        if not fetchable:
            self._poll_paused()
            return
        try:
            self._fetch(fetchable)
        except RetryLater as error:
            for group in fetchable:
                group.back_off(error)
            return
        for group in fetchable:
            group.admit()

    def _fetch(self, fetchable: Sequence[Backpressure]) -> None:
        pending = max(group.pending for group in fetchable)
        if pending >= self._batch_size:
            return
        ready, kept = self._split_by_pause(self._fetched)
        if not ready:
            ready, held = self._split_by_pause(
                self._consume(FETCH_TIMEOUT / 5 if pending else FETCH_TIMEOUT)
            )
            if held:
                self._ownership.reapply_pauses()
                kept = [*kept, *held]
            self._fetched = [*ready, *kept] if kept else ready
        self._decoder.decode_and_enqueue(ready)
        self._fetched = kept

    def _split_by_pause(
        self, records: Sequence[KafkaRecord]
    ) -> tuple[Sequence[KafkaRecord], Sequence[KafkaRecord]]:
        """Split records into those that may be decoded, and those of paused partitions."""
        paused = self._ownership.paused_partitions
        if not paused:
            return records, ()
        return (
            [record for record in records if record.partition() not in paused],
            [record for record in records if record.partition() in paused],
        )

    def _forget_fetched(self, partitions: Collection[int]) -> None:
        """Drop records fetched before a seek: they are fetched again, in order."""
        if partitions and self._fetched:
            self._fetched = [r for r in self._fetched if r.partition() not in partitions]

    def _consume(self, timeout: float) -> list[KafkaRecord]:
        records = []
        for record in self._consumer.consume(self._batch_size, timeout):
            error = record.error()
            if error is None:
                records.append(record)
            else:
                self._handle_error(error)
        if records:
            self._outage.recovered()
            self._rejoins.succeeded()
        return records

    def _handle_error(self, error: KafkaError) -> None:
        # What comes with a record has the code but not the mark that errors of calls have.
        if error.fatal() or error.code() == _FATAL:
            # Every later consume would fail the same way, while the process looks alive.
            raise ConsumerFailed(error.str())
        self._outage.failed(error.str())

    def _poll_paused(self) -> None:
        """Poll to stay in the consumer group, and keep records that arrive.

        A partition taken over meanwhile is fetched until it is paused too: its backlog must not
        accumulate here.
        """
        records = self._consume(POLL_TIMEOUT)
        if records:
            self._ownership.reapply_pauses()
            self._fetched = (*self._fetched, *records)
