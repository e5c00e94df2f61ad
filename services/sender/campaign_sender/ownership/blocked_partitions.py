"""Records of a newer version: their partitions wait for a sender that can read them.

While services are upgraded one by one, a scheduler of the next version may publish what this
sender cannot read. Such a record is no poison: the partition stands still at it, and everything
else goes on, until this sender gives the partition up and a newer one reads on. Where none comes,
the record goes to the dead letters after all, since a partition must not stand still for ever.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import structlog

PATIENCE = 900.0
"""Seconds for which a partition waits for a newer sender; no upgrade should take longer."""

log = structlog.get_logger()


class Waiting(NamedTuple):
    """A partition that stands still at `offset`, since a time of the clock."""

    offset: int
    version: int
    since: float


class NewerRecords:
    """Knows which partitions wait; used by the loop's thread only."""

    def __init__(self, clock: Callable[[], float], patience: float) -> None:
        self._clock = clock
        self._patience = patience
        self._waiting: dict[int, Waiting] = {}
        self._given_up: set[int] = set()
        """Versions that no sender came for."""

    @property
    def partitions(self) -> Collection[int]:
        """The partitions that wait."""
        return self._waiting.keys()

    def holds(self, partition: int, offset: int) -> bool:
        """Tell whether a record follows one that its partition waits at."""
        waiting = self._waiting.get(partition)
        return waiting is not None and offset > waiting.offset

    def wait_at(self, partition: int, offset: int, version: int) -> bool:
        """Let a partition wait at a record; False when that version is not waited for any more."""
        if version in self._given_up:
            return False
        if partition not in self._waiting:
            self._waiting[partition] = Waiting(offset, version, self._clock())
            log.error(
                "a record of a newer version: its partition waits for a newer sender",
                partition=partition,
                offset=offset,
                wire_version=version,
            )
        return True

    def give_up(self) -> dict[int, int]:
        """End the waits that have lasted too long; returns the offset at which each one stood."""
        now = self._clock()
        ended = {
            partition: waiting
            for partition, waiting in self._waiting.items()
            if now - waiting.since >= self._patience
        }
        for partition, waiting in ended.items():
            log.error(
                "no newer sender came: records of this version go to the dead letters",
                partition=partition,
                wire_version=waiting.version,
            )
            self._given_up.add(waiting.version)
        self.forget(ended)
        return {partition: waiting.offset for partition, waiting in ended.items()}

    def forget(self, partitions: Collection[int]) -> None:
        """Forget what is known of partitions that are fetched from another place now, or gone."""
        for partition in list(partitions):
            self._waiting.pop(partition, None)
