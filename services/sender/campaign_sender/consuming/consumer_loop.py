"""The sender's loop: fetch, take in, admit; everything after that happens on the buffers."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import Message as KafkaRecord

from campaign_common.errors import CampaignError, RetryLater
from campaign_common.obstacle import Obstacle
from campaign_sender.consuming.backpressure import Gate
from campaign_sender.consuming.record_decoder import Reception
from campaign_sender.ownership.shard_ownership import Ownership

FETCH_TIMEOUT = 0.05
"""Seconds to wait for a full batch."""

POLL_TIMEOUT = 0.1
"""Seconds to poll while everything is paused."""

log = structlog.get_logger()


class ThreadDied(CampaignError):
    """A thread failed without which the process must not go on."""


class ConsumerFailed(CampaignError):
    """The Kafka client has met an error after which only a new one can go on."""


class Indispensable(Protocol):
    """A thread without which nothing is sent."""

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""


class Loop:
    """Runs until `stop` is set; the only thread that talks to the consumer."""

    def __init__(  # noqa: PLR0913 - the steps of a batch, and how to tell of them
        self,
        consumer: Consumer,
        ownership: Ownership,
        reception: Reception,
        gates: Sequence[Gate],
        threads: Sequence[Indispensable],
        beat: Callable[[], None],
        stop: threading.Event,
        *,
        batch_size: int,
    ) -> None:
        self._consumer = consumer
        self._ownership = ownership
        self._reception = reception
        self._gates = gates
        self._threads = threads
        self._beat = beat
        self._batch_size = batch_size
        self._fetched: Sequence[KafkaRecord] = ()
        self._stop = stop
        self._obstacle = Obstacle()

    def run(self) -> None:
        """Work until stopped; shards and membership are still held then.

        Raises:
            ConsumerFailed, ThreadDied: the process must be started again.
        """
        self._ownership.subscribe()
        while not self._stop.is_set():
            self._run_once()

    def _run_once(self) -> None:
        if not all(thread.alive for thread in self._threads):
            raise ThreadDied("a thread that sending rests on has failed; the log says which")
        self._beat()
        self._forget_fetched(self._ownership.follow())
        self._ownership.hold_back()
        self._ownership.commit_offsets()
        opened = [gate for gate in self._gates if gate.is_open()]
        self._ownership.pause_groups({gate.index for gate in self._gates if gate not in opened})
        if not opened:
            self._poll_paused()
            return
        try:
            self._fetch(opened)
        except RetryLater as error:
            for gate in opened:
                gate.wait_out(error)
            return
        for gate in opened:
            gate.admit()

    def _fetch(self, opened: Sequence[Gate]) -> None:
        waiting = max(gate.waiting for gate in opened)
        if waiting >= self._batch_size:
            return
        ready, kept = self._parted(self._fetched)
        if not ready:
            ready, held = self._parted(
                self._consume(FETCH_TIMEOUT / 5 if waiting else FETCH_TIMEOUT)
            )
            if held:
                self._ownership.reapply_pauses()
                kept = [*kept, *held]
            self._fetched = [*ready, *kept] if kept else ready
        self._reception.take_in(ready)
        self._fetched = kept

    def _parted(
        self, records: Sequence[KafkaRecord]
    ) -> tuple[Sequence[KafkaRecord], Sequence[KafkaRecord]]:
        """Part records into those that may be taken in, and those whose partitions are shut."""
        shut = self._ownership.paused_partitions
        if not shut:
            return records, ()
        return (
            [record for record in records if record.partition() not in shut],
            [record for record in records if record.partition() in shut],
        )

    def _forget_fetched(self, partitions: set[int]) -> None:
        """Drop records fetched before a seek: they come again, after those that precede them."""
        if partitions and self._fetched:
            self._fetched = [r for r in self._fetched if r.partition() not in partitions]

    def _consume(self, timeout: float) -> list[KafkaRecord]:
        records = []
        for record in self._consumer.consume(self._batch_size, timeout):
            error = record.error()
            if error is None:
                records.append(record)
            else:
                self._note(error)
        if records and (seconds := self._obstacle.overcome()) is not None:
            log.info("Kafka answers again", seconds=round(seconds, 1))
        return records

    def _note(self, error: KafkaError) -> None:
        if error.fatal():
            # It would answer every further call like this, and look alive.
            raise ConsumerFailed(f"the Kafka client cannot go on, start anew: {error.str()}")
        if self._obstacle.met(error.str()):
            log.warning("Kafka", error=error.str())

    def _poll_paused(self) -> None:
        """Poll for the group's sake, and keep what comes all the same.

        A partition taken over meanwhile fetches until it is paused too: its backlog must not
        pile up here.
        """
        records = self._consume(POLL_TIMEOUT)
        if records:
            self._ownership.reapply_pauses()
            self._fetched = (*self._fetched, *records)
