"""Backpressure: a shard group that cannot take more messages stops fetching of its partitions."""

import time

import structlog
from pymysql.err import Error as DriverError

from campaign_common.errors import RetryLater
from campaign_common.runtime.obstacle import Obstacle
from campaign_sender.ownership.shard_groups import ShardGroup

PAUSE_AFTER = 1.0
"""Seconds without capacity in the in-flight buffer after which partitions are paused."""

RETRY_DELAY = 1.0
"""Seconds until a failed database or Kafka operation is retried."""

log = structlog.get_logger()


class Backpressure:
    """Fetch state of one shard group; used by the consumer loop's thread only."""

    def __init__(self, group: ShardGroup) -> None:
        self.group = group
        self._log = log.bind(server=group.server.own.name)
        self._retry_at = 0.0
        self._is_fetching = True
        self._obstacle = Obstacle()

    @property
    def pending(self) -> int:
        """Number of fetched messages that wait for the database or for a duplicate's outcome."""
        return self.group.admitter.pending

    def can_fetch(self) -> bool:
        """Return whether more may be fetched; waits a moment for capacity where there is none."""
        if time.monotonic() < self._retry_at:
            return False
        if not self.group.reachable:
            self._stop_fetching("partitions paused: database server unavailable")
            return False
        if not self.group.buffer.wait_for_capacity(PAUSE_AFTER if self._is_fetching else 0.0):
            self._stop_fetching("partitions paused: in-flight buffer full")
            return False
        if not self._is_fetching:
            self._is_fetching = True
            self._log.info("fetching resumed")
        return True

    def admit(self) -> None:
        """Admit fetched messages; back off while the database is down."""
        try:
            self.group.admitter.admit()
        except (RetryLater, DriverError) as error:
            self.back_off(error)
        else:
            self._obstacle.overcome()

    def back_off(self, error: RetryLater | DriverError) -> None:
        """Fetch nothing for `RETRY_DELAY` seconds, because of `error`."""
        if self._obstacle.met(str(error)):
            self._log.warning("fetching delayed", error=str(error))
        self._is_fetching = False
        self._retry_at = time.monotonic() + RETRY_DELAY

    def _stop_fetching(self, why: str) -> None:
        if self._is_fetching:
            self._is_fetching = False
            self._log.info(why)
