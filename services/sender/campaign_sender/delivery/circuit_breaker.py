"""Circuit breaker of one provider.

Closed, it allows every send. It opens when most of the recent sends failed without a clear result,
at once when the provider refuses the account, or when another sender's breaker opened; then it
allows none. After `open_seconds` it is half open and allows a few probes: one success closes it,
one failure opens it for longer, or for as long again where the account is refused.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from campaign_providers.contract import SendStatus


class BreakerState(StrEnum):
    """State of a circuit breaker; the values are metric labels."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class BreakerPolicy:
    """Conditions to open a breaker, and for how long; times in seconds."""

    window: int = 50
    """Number of recent sends that count."""
    min_samples: int = 20
    """Number of sends below which the breaker does not open."""
    failure_share: float = 0.8
    """Share of failed sends from which the breaker opens."""
    open_seconds: float = 5.0
    """Initial value; doubled each time a probe fails."""
    max_open_seconds: float = 60.0
    account_seconds: float = 4.0
    """Seconds between probes of an account that was refused."""
    probes: int = 10
    """Number of sends allowed while half open."""


FAILURES = frozenset({SendStatus.RETRYABLE, SendStatus.AMBIGUOUS})
"""Statuses of an unhealthy provider; a refused message or a throttled send is not one."""

OPENING = FAILURES | {SendStatus.ACCOUNT}
"""Statuses that may open the breaker."""

CLEAR = frozenset({SendStatus.ACCEPTED, SendStatus.PERMANENT, SendStatus.THROTTLED})


class CircuitBreaker:
    """Circuit breaker over recent send statuses; safe to use from any thread."""

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._open_until: float | None = None
        self._open_seconds = policy.open_seconds
        self._probes_left = 0
        self._account_refused = False

    @property
    def account_refused(self) -> bool:
        """Return whether it is open, or half open, because the account was refused."""
        return self._account_refused

    @property
    def state(self) -> BreakerState:
        """Current state."""
        until = self._open_until  # read once: another thread may close the breaker meanwhile
        if until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < until else BreakerState.HALF_OPEN

    @property
    def remaining(self) -> float:
        """Seconds until sends are allowed again; 0 when they are."""
        until = self._open_until
        return 0.0 if until is None else max(0.0, until - self._clock())

    def allows_send(self) -> bool:
        """Return whether a send is allowed now; half open, every True uses up one probe."""
        if self._open_until is None:
            return True
        with self._lock:
            if self._open_until is None:
                return True
            now = self._clock()
            if now >= self._open_until + self._open_seconds:
                # Probes without a result must not keep the breaker from allowing new ones.
                self._open_until, self._probes_left = now, self._policy.probes
            if now < self._open_until or self._probes_left <= 0:
                return False
            self._probes_left -= 1
            return True

    def record(self, statuses: Sequence[SendStatus]) -> bool:
        """Record the statuses of sends, in order; True when one of them opened the breaker."""
        with self._lock:
            if self._open_until is None and OPENING.isdisjoint(statuses):
                self._recent.extend([False for status in statuses if status in CLEAR])
                return False
            opened = [self._record(status) for status in statuses]
        return any(opened)

    def open_for(self, seconds: float, *, account_refused: bool = False) -> None:
        """Open as another sender's breaker has; an earlier end than the present one is ignored."""
        with self._lock:
            if seconds > 0 and self._clock() + seconds > (self._open_until or 0.0):
                self._open(seconds)
                self._account_refused = account_refused

    def probe_account(self) -> None:
        """Be half open now, if it is open because the account was refused."""
        with self._lock:
            if self._account_refused and self._open_until is not None:
                self._open_until = min(self._open_until, self._clock())

    def _record(self, status: SendStatus) -> bool:
        if status is SendStatus.ACCOUNT:
            return self._record_account()
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

    def _record_account(self) -> bool:
        if self._open_until is not None and self._clock() < self._open_until:
            return False  # a send that began before the breaker opened
        self._open(self._policy.account_seconds)
        self._account_refused = True
        return True

    def _record_probe(self, *, failed: bool) -> bool:
        if self._open_until is None or self._clock() < self._open_until:
            return False  # a send that began before the breaker opened
        if failed:
            self._open_seconds = min(self._policy.max_open_seconds, 2 * self._open_seconds)
            self._open(self._open_seconds)
            return True
        self._open_until = None
        self._open_seconds = self._policy.open_seconds
        self._account_refused = False
        return False

    def _open(self, seconds: float) -> None:
        self._open_until = self._clock() + seconds
        self._probes_left = self._policy.probes
        self._account_refused = False
        self._recent.clear()
