"""How far one shard has been worked off in its partition."""

from collections import deque
from collections.abc import Iterable


class OffsetTracker:
    """Knows below which offset nothing of a shard is unfinished (protocol rule 2)."""

    def __init__(self) -> None:
        self.position = 0
        self._unfinished: deque[int] = deque()
        self._finished_early: set[int] = set()

    def track(self, offsets: Iterable[int]) -> None:
        """Note fetched records as unfinished; offsets come in rising order."""
        self._unfinished.extend(offsets)

    def finish(self, offsets: Iterable[int]) -> None:
        """Note that nothing more will be done for these records."""
        unfinished, finished = self._unfinished, self._finished_early
        finished.update(offsets)
        while unfinished and unfinished[0] in finished:
            finished.remove(unfinished.popleft())

    def advance_to(self, position: int) -> None:
        """Note that every record of the partition below `position` has been fetched."""
        self.position = max(self.position, position)

    @property
    def committable(self) -> int:
        """The lowest unfinished offset, or the position when there is none."""
        return self._unfinished[0] if self._unfinished else self.position

    @property
    def span(self) -> int:
        """How many offsets lie between the lowest unfinished one and the position."""
        return self.position - self.committable
