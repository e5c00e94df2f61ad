"""Partitions blocked by a record of a newer wire version.

During a rolling upgrade a scheduler of the next version may publish records that this sender cannot
read. Such a record is valid, so it is not dead-lettered: its partition is paused at that offset
until a newer sender takes the partition over, or until BLOCK_TIMEOUT expires. Then the record is
dead-lettered, because a partition must not be blocked indefinitely.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import structlog

from campaign_common.domain.shard import Partition

BLOCK_TIMEOUT = 900.0
"""Seconds for which a partition is blocked; a rolling upgrade should not take longer."""

log = structlog.get_logger()


class BlockedPartition(NamedTuple):
    """Offset at which a partition is blocked, and the clock's time when that began."""

    offset: int
    version: int
    since: float


class BlockedPartitions:
    """All blocked partitions of this process; used by the consumer loop's thread only."""

    def __init__(self, clock: Callable[[], float], timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._blocked: dict[int, BlockedPartition] = {}
        self._expired_versions: set[int] = set()
        """Wire versions whose block timed out once; they block no partition again."""

    @property
    def partitions(self) -> Collection[Partition]:
        """Partitions that are blocked now."""
        return [Partition(partition) for partition in self._blocked]

    def blocks(self, partition: int, offset: int) -> bool:
        """Return whether a record lies beyond the offset at which its partition is blocked."""
        blocked = self._blocked.get(partition)
        return blocked is not None and offset > blocked.offset

    def block_at(self, partition: int, offset: int, version: int) -> bool:
        """Block a partition at a record; False when blocks for that version have timed out."""
        if version in self._expired_versions:
            return False
        if partition not in self._blocked:
            self._blocked[partition] = BlockedPartition(offset, version, self._clock())
            log.error(
                "record of a newer wire version, partition blocked",
                partition=partition,
                offset=offset,
                wire_version=version,
            )
        return True

    def expire(self) -> dict[Partition, int]:
        """Unblock partitions after the timeout; return the offset at which each was blocked."""
        now = self._clock()
        expired = {
            Partition(partition): blocked
            for partition, blocked in self._blocked.items()
            if now - blocked.since >= self._timeout
        }
        for partition, blocked in expired.items():
            log.error(
                "blocked partition expired, records of this version are dead-lettered",
                partition=partition,
                wire_version=blocked.version,
            )
            self._expired_versions.add(blocked.version)
        self.unblock(expired)
        return {partition: blocked.offset for partition, blocked in expired.items()}

    def unblock(self, partitions: Collection[Partition]) -> None:
        """Forget blocks of partitions that are fetched from another offset now, or revoked."""
        for partition in list(partitions):
            self._blocked.pop(partition, None)
