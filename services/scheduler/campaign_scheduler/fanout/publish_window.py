"""Flow control: how far a campaign may be published ahead of its senders.

At most about one second's worth of a campaign's recent rate is queued at a time. Small campaigns
do not queue behind large ones, and a resumed campaign does not queue behind the records that its
pause has made stale. Messages at a provider are not queued: with a slow provider, many have to be
there at once for a high rate (Little's law).
"""

from collections import deque

from campaign_common.store.limits.publishing import LimitedProvider, PublishBounds

RECORDED_RATE_SPAN = 2.0
"""Seconds of history that the recent rate is taken over."""

MIN_SHRINK_SPAN = 1.0
"""Seconds of history that a lower rate needs before it shrinks the window."""

NO_CEILING = 1 << 30

MIN_LIMIT = 100
"""Messages that may always be queued, so that a stalled campaign can start again."""

LIMITED_SECONDS = 2.0
"""Seconds of what a campaign's rate and its providers' limits let through that may be queued."""


def ceiling_of(bounds: PublishBounds) -> int:
    """Return how many messages of one campaign may be queued by its rate and its providers."""
    ceiling = NO_CEILING
    if bounds.max_rate is not None:
        ceiling = max(1, int(float(bounds.max_rate) * LIMITED_SECONDS))
    if bounds.providers:
        ceiling = min(ceiling, sum(map(_let_through_by, bounds.providers)))
    return ceiling


def _let_through_by(provider: LimitedProvider) -> int:
    """Return how many messages of a campaign its share of a provider lets through in that time.

    Nothing is queued while the day of the provider is used up.
    """
    limits = provider.limits
    ceiling = NO_CEILING
    if limits.per_second is not None:
        ceiling = max(1, int(float(limits.per_second) * LIMITED_SECONDS * provider.share))
    return ceiling if provider.day_left is None else min(ceiling, provider.day_left)


class PublishWindow:
    """The number of messages of one campaign that may be queued.

    The window begins at `initial` messages. The recent rate times `seconds` raises it at once,
    which is a slow start: as long as outcomes come back sooner than `seconds`, each sample raises
    the limit. The window shrinks only while messages of this campaign were queued all along. If
    none were, the rate is that of fan-out and not of the senders, and the window grows back to
    `initial`.
    """

    def __init__(self, seconds: float, initial: int) -> None:
        self._seconds = seconds
        self._initial = initial
        self._limit = float(initial)
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def limit(self) -> int:
        """Number of messages that may be queued."""
        return int(self._limit)

    def sample(self, now: float, final: int, queued: int) -> None:
        """Update the limit.

        Args:
            now: monotonic seconds.
            final: number of final outcomes of the campaign. Messages that wait do not count: many
                of them may only have been postponed, by a slow or resting provider.
            queued: number of messages that are published and not claimed by a sender.
        """
        samples = self._samples
        samples.append((now, final))
        while len(samples) > 2 and now - samples[1][0] >= RECORDED_RATE_SPAN:
            samples.popleft()
        span = now - samples[0][0]
        target = (final - samples[0][1]) / span * self._seconds if span > 0 else 0.0
        if queued <= 0:
            self._grow_back(target)
        elif target >= self._limit or span >= MIN_SHRINK_SPAN:
            self._limit = max(target, MIN_LIMIT)

    def allowance(self, queued: int, chunk_size: int, ceiling: int | None = None) -> int:
        """Return how many messages to publish next; 0 if it is not worth a chunk.

        `ceiling`: number of messages that may be queued by the campaign's rate and its providers.
        """
        limit = self.limit if ceiling is None else min(self.limit, ceiling)
        free = limit - queued
        wanted = min(chunk_size, max(limit // 4, 1))
        return min(free, chunk_size) if free >= wanted else 0

    def _grow_back(self, target: float) -> None:
        regrown = min(self._limit * 2, self._initial)
        self._limit = max(self._limit, regrown, target)
        # Earlier samples cover a time without work, and must not shrink the window later.
        newest = self._samples[-1]
        self._samples.clear()
        self._samples.append(newest)
