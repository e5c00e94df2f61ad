"""The sender's loop: fetch, take in, admit; everything after that happens on the desk."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import Message as KafkaRecord

from campaign_common.errors import RetryLater
from campaign_sender.desk import Desk
from campaign_sender.intake import Intake
from campaign_sender.ownership import Ownership

FETCH_TIMEOUT = 0.05
"""Seconds to wait for a full batch."""

BLOCKED_AFTER = 1.0
"""Seconds without room on the desk after which partitions are paused."""

log = structlog.get_logger()


class ThreadDied(RuntimeError):
    """A thread ended by itself without which the process must not go on."""


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
        intake: Intake,
        desk: Desk,
        threads: Sequence[Indispensable],
        beat: Callable[[], None],
        stop: threading.Event,
        *,
        batch_size: int,
    ) -> None:
        self._consumer = consumer
        self._ownership = ownership
        self._intake = intake
        self._desk = desk
        self._threads = threads
        self._beat = beat
        self._batch_size = batch_size
        self._fetched: Sequence[KafkaRecord] = ()
        self._blocked = False
        self._away = False
        self._stop = stop

    def run(self) -> None:
        """Work until stopped; shards and membership are still held then."""
        self._ownership.subscribe()
        while not self._stop.is_set():
            self._run_once()

    def _run_once(self) -> None:
        if not all(thread.alive for thread in self._threads):
            raise ThreadDied
        self._beat()
        self._forget_fetched(self._ownership.follow())
        self._ownership.hold_back()
        self._ownership.commit_offsets()
        if not self._desk.wait_for_room(BLOCKED_AFTER):
            self._keep_polling()
            return
        if self._blocked:
            self._ownership.resume_all()
            self._blocked = False
            log.info("fetching goes on")
        try:
            self._fetch()
            self._intake.admit()
        except RetryLater as error:
            self._wait_out(error)
        else:
            self._away = False

    def _fetch(self) -> None:
        if self._intake.waiting >= self._batch_size:
            return
        if not self._fetched:
            timeout = FETCH_TIMEOUT / 5 if self._intake.waiting else FETCH_TIMEOUT
            self._fetched = self._consume(timeout)
        self._intake.fetch_in(self._fetched)
        self._fetched = ()

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
        return records

    def _note(self, error: KafkaError) -> None:
        log.warning("Kafka", error=error.str())

    def _keep_polling(self) -> None:
        """Stay in the group without fetching, while the desk is full."""
        if not self._blocked:
            log.info("no room for more messages, partitions paused")
            self._ownership.pause_all()
            self._blocked = True
        self._poll_paused()

    def _wait_out(self, error: RetryLater) -> None:
        if not self._away:
            log.warning("fetching waits", error=str(error))
            self._away = True
        if not self._blocked:
            self._ownership.pause_all()
            self._blocked = True
        until = time.monotonic() + 1.0
        while time.monotonic() < until and not self._stop.is_set():
            self._poll_paused()

    def _poll_paused(self) -> None:
        """Poll for the group's sake, and keep what comes all the same.

        A partition taken over meanwhile fetches until it is paused too: its backlog must not
        pile up here.
        """
        records = self._consume(0.1)
        if records:
            self._ownership.pause_all()
            self._fetched = (*self._fetched, *records)
