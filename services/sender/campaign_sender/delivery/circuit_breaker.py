"""The circuit breaker of one provider: a provider that fails most calls is left alone for a while.

Closed, every call may start. It opens when most of the recent calls failed without a clear
answer, or when another sender says so; then none may. After the cool-down a few calls try:
one success closes it, one failure opens it again for longer.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from campaign_sender.providers.contract import SendStatus


class BreakerState(StrEnum):
    """Whether calls may start."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "trying"


@dataclass(frozen=True)
class BreakerPolicy:
    """When a breaker opens, and for how long; times in seconds."""

    window: int = 50
    """Recent calls that are looked at."""
    min_samples: int = 20
    """With fewer there is no judgement."""
    failure_share: float = 0.8
    """Share of failed calls from which it opens."""
    open_seconds: float = 5.0
    """The first; doubled each time the tries fail."""
    max_open_seconds: float = 60.0
    probes: int = 10
    """Calls that may be under way after a cool-down."""


FAILURES = frozenset({SendStatus.RETRYABLE, SendStatus.AMBIGUOUS})
"""Answers that speak of a sick provider; a refused message or a throttled call do not."""

CLEAR = frozenset({SendStatus.ACCEPTED, SendStatus.PERMANENT, SendStatus.THROTTLED})


class CircuitBreaker:
    """Counts answers, and says whether the next call may start; safe to use from any thread."""

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._open_until: float | None = None
        self._open_seconds = policy.open_seconds
        self._probes_left = 0

    @property
    def state(self) -> BreakerState:
        """The state at this moment."""
        until = self._open_until  # read once: another thread may close the breaker meanwhile
        if until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < until else BreakerState.HALF_OPEN

    @property
    def remaining(self) -> float:
        """Seconds until calls may start again; 0 when they may."""
        until = self._open_until
        return 0.0 if until is None else max(0.0, until - self._clock())

    def allows_send(self) -> bool:
        """Tell whether a call may start now; every True in the trying state is one try."""
        if self._open_until is None:
            return True
        with self._lock:
            if self._open_until is None:
                return True
            now = self._clock()
            if now >= self._open_until + self._open_seconds:
                # Tries that never came back must not keep it from trying for ever.
                self._open_until, self._probes_left = now, self._policy.probes
            if now < self._open_until or self._probes_left <= 0:
                return False
            self._probes_left -= 1
            return True

    def record(self, statuses: Sequence[SendStatus]) -> bool:
        """Take the answers of calls, in order; True when one of them opened the breaker."""
        with self._lock:
            if self._open_until is None and FAILURES.isdisjoint(statuses):
                self._recent.extend([False for status in statuses if status in CLEAR])
                return False
            opened = [self._record(status) for status in statuses]
        return any(opened)

    def open_for(self, seconds: float) -> None:
        """Open as another sender has; an earlier end than the known one changes nothing."""
        with self._lock:
            if seconds > 0 and self._clock() + seconds > (self._open_until or 0.0):
                self._open(seconds)

    def _record(self, status: SendStatus) -> bool:
        if status not in FAILURES and status not in CLEAR:
            return False
        failed = status in FAILURES
        if self._open_until is not None:
            return self._record_probe(failed=failed)
        self._recent.append(failed)
        if not failed or len(self._recent) < self._policy.min_samples:
            return False
        if sum(self._recent) < self._policy.failure_share * len(self._recent):
            return False
        self._open(self._open_seconds)
        return True

    def _record_probe(self, *, failed: bool) -> bool:
        if self._open_until is None or self._clock() < self._open_until:
            return False  # a call that began before it opened
        if failed:
            self._open_seconds = min(self._policy.max_open_seconds, 2 * self._open_seconds)
            self._open(self._open_seconds)
            return True
        self._open_until = None
        self._open_seconds = self._policy.open_seconds
        return False

    def _open(self, seconds: float) -> None:
        self._open_until = self._clock() + seconds
        self._probes_left = self._policy.probes
        self._recent.clear()
