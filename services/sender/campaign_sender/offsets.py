"""How far one shard has been worked off in its partition."""

from collections import deque


class OffsetTracker:
    """Knows below which offset nothing of a shard is unfinished (protocol rule 2)."""

    def __init__(self) -> None:
        self.position = 0
        self._unfinished: deque[int] = deque()
        self._finished_early: set[int] = set()

    def begin(self, offset: int) -> None:
        """Note a fetched record as unfinished; offsets come in rising order."""
        self._unfinished.append(offset)

    def finish(self, offset: int) -> None:
        """Note that nothing more will be done for a record."""
        if self._unfinished and self._unfinished[0] == offset:
            self._unfinished.popleft()
            while self._unfinished and self._unfinished[0] in self._finished_early:
                self._finished_early.remove(self._unfinished.popleft())
        else:
            self._finished_early.add(offset)

    def move_to(self, position: int) -> None:
        """Note that every record of the partition below `position` has been fetched."""
        self.position = max(self.position, position)

    @property
    def recorded(self) -> int:
        """The lowest unfinished offset, or the position when there is none."""
        return self._unfinished[0] if self._unfinished else self.position

    @property
    def span(self) -> int:
        """How many offsets lie between the lowest unfinished one and the position."""
        return self.position - self.recorded
