"""Offset tracking of one shard in its partition."""

from collections import deque
from collections.abc import Iterable


class OffsetTracker:
    """Tracker of the offset below which nothing of a shard is unfinished (protocol rule 2)."""

    def __init__(self) -> None:
        self.position = 0
        self._unfinished: deque[int] = deque()
        self._finished_early: set[int] = set()

    def track(self, offsets: Iterable[int]) -> None:
        """Track fetched records as unfinished; offsets come in rising order."""
        self._unfinished.extend(offsets)

    def finish(self, offsets: Iterable[int]) -> None:
        """Mark records as finished."""
        unfinished, finished = self._unfinished, self._finished_early
        finished.update(offsets)
        while unfinished and unfinished[0] in finished:
            finished.remove(unfinished.popleft())

    def advance_to(self, position: int) -> None:
        """Advance the position: every record of the partition below it was fetched."""
        self.position = max(self.position, position)

    @property
    def committable(self) -> int:
        """Lowest unfinished offset, or the position when there is none."""
        return self._unfinished[0] if self._unfinished else self.position

    @property
    def span(self) -> int:
        """Number of offsets between the lowest unfinished one and the position."""
        return self.position - self.committable
