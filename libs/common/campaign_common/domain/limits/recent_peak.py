"""Recent peak: the largest of the values that were noted in the last moments."""

from collections import deque


class RecentPeak:
    """Largest value of the last `seconds`; used by one thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._falling: deque[tuple[float, int]] = deque()
        """Times and values, each smaller than the one before it: only these can be the largest."""

    def note(self, now: float, value: int) -> None:
        """Note a value; `now` in seconds, never less than before."""
        falling = self._falling
        while falling and falling[-1][1] <= value:
            falling.pop()
        falling.append((now, value))
        while now - falling[0][0] > self._seconds:
            falling.popleft()

    @property
    def value(self) -> int:
        """Largest value of the seconds up to the last one that was noted; 0: there is none."""
        return self._falling[0][1] if self._falling else 0
