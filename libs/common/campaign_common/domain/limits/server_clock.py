"""Server clock: the database server's time, known to a sender within a margin.

Sampled by reads of the server's time between two readings of a local clock that counts suspension.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

LEAST_MARGIN = 0.002
"""Seconds of the margin, however short the round trip is."""

DRIFT = 500e-6
"""Seconds by which two clocks drift apart in a second: the most that the kernel and ntpd slew."""

MOST_DRIFT = 0.1
"""Seconds by which they drift apart in a second while chrony slews: 83,333 ppm unless configured.
What is more is a step."""

LONGEST_SLEW = 1.0
"""Seconds between two samples, up to which a difference may be a slew."""

KEPT = 20
"""Samples that are kept; the one with the least margin counts."""

SETTLED_AFTER = 2.0
"""Seconds of samples that agree, before which a sender neither plans nor takes grants."""

STEADY_AFTER = 5.0
"""Seconds of samples that agree, after which no grant of an earlier time of another clock is valid:
those are planned a slot ahead and end 0.25 s after their own at most."""

OLDEST = 10.0
"""Seconds after which a sample counts no more. Without one, nothing is granted."""


class ClockState(Enum):
    """Trust in the server's clock."""

    NEW = "new"
    """Known for too short a time to see a step."""
    STEPPED = "stepped"
    """It was changed a moment ago, or another server answers."""
    SETTLED = "settled"
    STEADY = "steady"
    """Followed for longer than a grant lasts."""

    @property
    def is_trusted(self) -> bool:
        """Return whether grants may be taken by it."""
        return self in (ClockState.SETTLED, ClockState.STEADY)


class ClockReading(NamedTuple):
    """Moment by the server's clock, and the margin of the estimate; both in seconds."""

    moment: float
    margin: float


class _Sample(NamedTuple):
    at: float
    offset: float
    margin: float

    def margin_at(self, local: float, drift: float) -> float:
        return self.margin + drift * abs(local - self.at)


class ServerClock:
    """Estimate of the server's clock; not safe for use by several threads at once."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=KEPT)
        self._server: str | None = None
        self._begun_at = 0.0
        self._followed_since = 0.0
        """Local time of the first of the samples that agree, none of them long after another."""
        self._drift = DRIFT
        self._slewed_at = 0.0
        self._best: _Sample | None = None
        """Sample with the least margin; they all grow alike, so that it is found once."""
        self.steps = 0
        """Number of samples that contradicted the earlier ones, or came from another server."""

    def add(self, began: float, ended: float, moment: float, server: str) -> bool:
        """Add a sample; return False where the clock was stepped, or is that of another server.

        A sample that contradicts earlier ones replaces them. While the clock is slewed, margins
        grow by the drift that was seen.

        Args:
            began: local time in seconds before the server was asked.
            ended: local time when its answer had come.
            moment: the server's time in between.
            server: the name of the server.
        """
        middle = (began + ended) / 2
        sample = _Sample(middle, moment - middle, (ended - began) / 2 + LEAST_MARGIN)
        if middle - self._slewed_at > OLDEST:
            self._drift = DRIFT
        latest = self._samples[-1] if self._samples else None
        is_same = self._server in (None, server)
        agrees = is_same and all(
            abs(sample.offset - one.offset) <= sample.margin + one.margin_at(middle, self._drift)
            for one in self._samples
        )
        if not agrees:
            self._samples.clear()
            if is_same and latest is not None and self._is_slew(latest, sample):
                agrees = True
            else:
                self.steps += 1
        if self._server is None or not agrees:
            self._begun_at = self._followed_since = began
            self._server = server
        elif latest is not None and began - latest.at > OLDEST:
            self._followed_since = began
        self._samples.append(sample)
        self._best = None
        return agrees

    def _is_slew(self, earlier: _Sample, later: _Sample) -> bool:
        """Note the drift between two samples; False where it is too much for a slew."""
        passed = later.at - earlier.at
        allowed = earlier.margin + later.margin + MOST_DRIFT * min(passed, LONGEST_SLEW)
        moved = abs(later.offset - earlier.offset)
        if passed <= 0 or moved > allowed:
            return False
        seen = (moved + earlier.margin + later.margin) / passed
        self._drift = min(MOST_DRIFT, max(self._drift, seen))
        self._slewed_at = later.at
        return True

    def state(self, local: float) -> ClockState:
        """Return the trust in the server's clock at a local time."""
        if self._server is not None and local - self._begun_at >= SETTLED_AFTER:
            is_steady = local - self._followed_since >= STEADY_AFTER
            return ClockState.STEADY if is_steady else ClockState.SETTLED
        return ClockState.STEPPED if self.steps else ClockState.NEW

    def read(self, local: float) -> ClockReading | None:
        """Return the server's time at a local time; None where no sample is young enough."""
        best = self._best
        if best is None or local - best.at > OLDEST:
            usable = [one for one in self._samples if local - one.at <= OLDEST]
            if not usable:
                return None
            best = self._best = min(usable, key=lambda one: one.margin_at(local, self._drift))
        return ClockReading(local + best.offset, best.margin_at(local, self._drift))
