"""Gates: whether more may be fetched for the shards of a database server."""

import time

import structlog
from pymysql.err import Error as DriverError

from campaign_common.errors import RetryLater
from campaign_common.obstacle import Obstacle
from campaign_sender.ownership.shard_groups import ShardGroup

BLOCKED_AFTER = 1.0
"""Seconds without room on the buffer after which partitions are paused."""

RETRY_AFTER = 1.0
"""Seconds until what failed for the database or for Kafka is tried again."""

log = structlog.get_logger()


class Gate:
    """The gate before one group; used by the loop's thread only.

    `waits`: whether the loop has nothing else to do while this one has no room.
    """

    def __init__(self, group: ShardGroup, index: int, *, waits: bool) -> None:
        self.index = index
        self._group = group
        self._waits = waits
        self._log = log if waits else log.bind(server=group.server.own.name)
        self._not_before = 0.0
        self._is_open = waits
        self._obstacle = Obstacle()

    @property
    def waiting(self) -> int:
        """How many fetched messages wait for the database or for a copy's outcome."""
        return self._group.admitter.waiting

    def is_open(self) -> bool:
        """Tell whether more may be fetched; waits a moment for room on a buffer that has none."""
        if time.monotonic() < self._not_before:
            return False
        if not self._group.reachable:
            self._shut("its database server does not answer, partitions paused")
            return False
        patience = BLOCKED_AFTER if self._is_open or self._waits else 0.0
        if not self._group.buffer.wait_for_capacity(patience):
            self._shut("no room for more messages, partitions paused")
            return False
        if not self._is_open:
            self._is_open = True
            self._log.info("fetching goes on")
        return True

    def admit(self) -> None:
        """Decide what becomes of what is fetched; shuts for a while when the database is away."""
        try:
            self._group.admitter.admit()
        except (RetryLater, DriverError) as error:
            self.wait_out(error)
        else:
            self._obstacle.overcome()

    def wait_out(self, error: RetryLater | DriverError) -> None:
        """Stay shut for a while, because of `error`."""
        if self._obstacle.met(str(error)):
            self._log.warning("fetching waits", error=str(error))
        self._is_open = False
        self._not_before = time.monotonic() + RETRY_AFTER

    def _shut(self, why: str) -> None:
        if self._is_open:
            self._is_open = False
            self._log.info(why)
