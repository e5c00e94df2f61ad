"""How much of a campaign may be published ahead of its senders.

A small campaign that becomes due waits behind what waits of the big ones, and a resumed one
behind what its pause has made void. Both stay short when no more of a campaign waits than is
worth a second or so of its own recent rate. What is at a provider does not wait: with a
provider that takes long, many messages have to be there for a high rate (Little's law).
"""

from collections import deque

RATE_SPAN = 2.0
"""Seconds of history that the recent rate is taken over."""

SHORTEST_SPAN = 1.0
"""Seconds of history needed before a lower rate shrinks the window."""

SMALLEST = 100
"""Messages that may always wait, so that a stalled campaign can start again."""


class Window:
    """The allowance of one campaign, fed with samples of how many outcomes are recorded.

    It begins at `initial` messages. The recent rate times `seconds` raises it at once, which
    is a slow start: as long as outcomes come back sooner than `seconds`, each sample allows
    more than the one before. It shrinks only while messages of this campaign waited all along;
    when none did, the rate says how fast fan-out was and not how fast senders are, and the
    window grows back to where it began.
    """

    def __init__(self, seconds: float, initial: int) -> None:
        self._seconds = seconds
        self._initial = initial
        self._allowance = float(initial)
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def allowance(self) -> int:
        """How many messages may wait."""
        return int(self._allowance)

    def sample(self, now: float, recorded: int, waiting: int) -> None:
        """Learn that by `now` (monotonic seconds) so many were recorded, and how many wait."""
        samples = self._samples
        samples.append((now, recorded))
        while len(samples) > 2 and now - samples[1][0] >= RATE_SPAN:
            samples.popleft()
        span = now - samples[0][0]
        target = (recorded - samples[0][1]) / span * self._seconds if span > 0 else 0.0
        if waiting <= 0:
            self._senders_were_idle(target)
        elif target >= self._allowance or span >= SHORTEST_SPAN:
            self._allowance = max(target, SMALLEST)

    def room(self, waiting: int, chunk_size: int) -> int:
        """Return how many to publish next; 0 while that would be too little to be worth it."""
        free = self.allowance - waiting
        wanted = min(chunk_size, max(self.allowance // 4, 1))
        return min(free, chunk_size) if free >= wanted else 0

    def _senders_were_idle(self, target: float) -> None:
        regrown = min(self._allowance * 2, self._initial)
        self._allowance = max(self._allowance, regrown, target)
        # What lies before must not shrink the window later: it holds a time without work.
        newest = self._samples[-1]
        self._samples.clear()
        self._samples.append(newest)
