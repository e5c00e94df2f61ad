"""What retention deletes counts as passed: an offset below the log's start is the log's start.

A partition whose records were all deleted delivers nothing that would move the recorded
offsets of its shards, and whoever waits for them to pass would wait for ever (rules 2 and 15).
"""

import threading
from collections import defaultdict

import structlog
from confluent_kafka.admin import AdminClient

from campaign_common import topics
from campaign_common.errors import RetryLater
from campaign_sender.desk import Desk

INTERVAL = 5.0
"""Seconds between two looks at the starts of the logs."""

log = structlog.get_logger()


class RetentionThread:
    """Moves the shards of idle partitions to the start of their log until stopped."""

    def __init__(self, admin: AdminClient, topic: str, desk: Desk) -> None:
        self._admin = admin
        self._topic = topic
        self._desk = desk
        self._positions: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a request under way ends by itself with the process."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self.pass_over_deleted()
            except RetryLater as error:
                log.debug("starts of the logs unknown", error=str(error))

    def pass_over_deleted(self) -> None:
        """Look once, at the partitions that have not moved since the look before.

        Raises:
            RetryLater: Kafka did not answer.
        """
        positions: dict[int, int] = defaultdict(int)
        for owned in self._desk.shards():
            partition = owned.place.partition
            positions[partition] = max(positions[partition], owned.offsets.position)
        idle = [p for p, position in positions.items() if self._positions.get(p) == position]
        self._positions = dict(positions)
        if not idle:
            return
        for partition, start in topics.log_starts(self._admin, self._topic, idle).items():
            self._desk.move_to(partition, start)
