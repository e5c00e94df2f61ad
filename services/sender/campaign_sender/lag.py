"""How far this sender is behind in its partitions: for whoever watches, nothing rests on it."""

import threading
from collections.abc import Mapping

import structlog
from confluent_kafka.admin import AdminClient

from campaign_common import topics
from campaign_common.errors import CampaignError
from campaign_sender.desk import Desk

INTERVAL = 5.0
"""Seconds between two looks at the ends of the logs."""

log = structlog.get_logger()


class LagThread:
    """Compares the ends of the logs with what is recorded, until stopped.

    Asked of Kafka, and not of the consumer, which hears of no new end while its partitions are
    paused: just when the lag grows.
    """

    def __init__(self, admin: AdminClient, topic: str, desk: Desk) -> None:
        self._admin = admin
        self._topic = topic
        self._desk = desk
        self._ends: Mapping[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lag", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a request under way ends by itself with the process."""
        self._stop.set()

    def by_partition(self) -> dict[int, int]:
        """Return how many records lie beyond what is recorded, per partition owned here."""
        ends = self._ends
        return {
            partition: max(0, ends[partition] - offset)
            for partition, offset in self._recorded().items()
            if partition in ends
        }

    def look(self) -> None:
        """Look once.

        Raises:
            CampaignError: Kafka did not answer; the ends known before stay.
        """
        partitions = sorted(self._recorded())
        if partitions:
            self._ends = topics.log_ends(self._admin, self._topic, partitions)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self.look()
            except CampaignError as error:
                log.debug("ends of the logs unknown", error=str(error))

    def _recorded(self) -> dict[int, int]:
        recorded: dict[int, int] = {}
        for owned in self._desk.shards():
            partition = owned.place.partition
            known = recorded.get(partition, owned.recorded_offset)
            recorded[partition] = min(known, owned.recorded_offset)
        return recorded
