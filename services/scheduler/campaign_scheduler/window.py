"""How much of a campaign may be published ahead of its senders.

A pause takes effect once what is outstanding has been dropped or sent, and a small campaign
that becomes due waits behind what is outstanding of the big ones; both stay short when the
outstanding part of every campaign is worth a few seconds of its own recent rate.
"""

from collections import deque

RATE_SPAN = 2.0
"""Seconds of history that the recent rate is taken over."""

SHORTEST_SPAN = 1.0
"""Seconds of history needed before a lower rate shrinks the window."""

SMALLEST = 100
"""Messages that may always be outstanding, so that a stalled campaign can start again."""


class Window:
    """The allowance of one campaign, fed with samples of how many outcomes are recorded.

    It begins at `initial` messages. The recent rate times `seconds` raises it at once, which
    is a slow start: as long as outcomes come back sooner than `seconds`, each sample allows
    more than the one before. It shrinks only while the senders had work of this campaign all
    along; when they had none, the rate says how fast fan-out was and not how fast they are,
    and the window grows back to where it began.
    """

    def __init__(self, seconds: float, initial: int) -> None:
        self._seconds = seconds
        self._initial = initial
        self._allowance = float(initial)
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def allowance(self) -> int:
        """How many messages may be outstanding."""
        return int(self._allowance)

    def sample(self, now: float, published: int, recorded: int) -> None:
        """Learn that by `now` (monotonic seconds) so many were published and recorded."""
        samples = self._samples
        samples.append((now, recorded))
        while len(samples) > 2 and now - samples[1][0] >= RATE_SPAN:
            samples.popleft()
        span = now - samples[0][0]
        target = (recorded - samples[0][1]) / span * self._seconds if span > 0 else 0.0
        if recorded >= published:
            self._senders_were_idle(target)
        elif target >= self._allowance or span >= SHORTEST_SPAN:
            self._allowance = max(target, SMALLEST)

    def room(self, published: int, recorded: int, chunk_size: int) -> int:
        """Return how many to publish next; 0 while that would be too little to be worth it."""
        free = self.allowance - (published - recorded)
        wanted = min(chunk_size, max(self.allowance // 4, 1))
        return min(free, chunk_size) if free >= wanted else 0

    def _senders_were_idle(self, target: float) -> None:
        regrown = min(self._allowance * 2, self._initial)
        self._allowance = max(self._allowance, regrown, target)
        # What lies before must not shrink the window later: it holds a time without work.
        newest = self._samples[-1]
        self._samples.clear()
        self._samples.append(newest)
