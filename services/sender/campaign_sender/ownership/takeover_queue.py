"""Takeover queue: the partitions that are to be taken over, and when."""

import random
import time
from collections.abc import Iterable

import structlog

from campaign_common.domain.shard import Partition
from campaign_common.runtime.obstacle import Obstacle

TAKEOVER_RETRY_DELAY = 1.0
"""Seconds until a failed takeover is retried; a jitter of up to as many is added."""

log = structlog.get_logger()


class TakeoverQueue:
    """Partitions that wait for their takeover; used by the consumer loop's thread only."""

    def __init__(self) -> None:
        self._not_before: dict[Partition, float] = {}
        """The earliest monotonic time, in seconds, of each takeover."""
        self._obstacles: dict[Partition, Obstacle] = {}
        """The obstacles of takeovers that failed."""

    def add(self, partitions: Iterable[Partition], delay: float = 0.0) -> None:
        """Add partitions that are due for takeover in `delay` seconds."""
        self._not_before.update(dict.fromkeys(partitions, time.monotonic() + delay))

    def retry(self, partition: Partition) -> None:
        """Add a partition again after a pause, which differs between processes."""
        jitter = random.random()  # noqa: S311 - spreads retries, protects nothing
        self.add([partition], TAKEOVER_RETRY_DELAY * (1 + jitter))

    def retry_failed(self, partition: Partition, error: Exception) -> None:
        """Retry a takeover that failed; the error is logged when it differs from the one before."""
        if self._obstacles.setdefault(partition, Obstacle()).met(str(error)):
            log.warning("takeover delayed", partition=partition, error=str(error))
        self.retry(partition)

    def due(self) -> list[Partition]:
        """Return the partitions whose time has come, in their order."""
        now = time.monotonic()
        return sorted(n for n, not_before in self._not_before.items() if now >= not_before)

    def done(self, partition: Partition) -> None:
        """Remove a partition that was taken over."""
        self.remove([partition])
        self._obstacles.pop(partition, None)

    def remove(self, partitions: Iterable[Partition]) -> None:
        """Remove partitions that are no longer assigned to this process."""
        for partition in partitions:
            self._not_before.pop(partition, None)
