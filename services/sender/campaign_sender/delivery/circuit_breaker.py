"""Circuit breaker of one provider.

Closed, it allows every send. Open, it allows none. It opens

- for `open_seconds` when most of the recent answers were failures, `retryable` or `ambiguous`;
- for as long as the provider asks, by `Retry-After` in an answer that is `throttled`;
- for `account_seconds` when the provider refuses the account;
- when another sender's breaker has opened for such a reason.

After that time it is half open and allows a few probes: one answer that is no failure closes it,
and one failure opens it for longer. Where the account is refused, another refusal opens it for as
long again, and only an accepted message closes it. Failures and the account have an end each, and
the later one counts; a time that the provider asks for counts as one of failures.
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
"""Statuses of an unhealthy provider. A throttled send is not one: it opens the breaker only where
its answer says for how long, by `open_for`."""

OPENING = FAILURES | {SendStatus.ACCOUNT}
"""Statuses by which `record` may open the breaker."""

CLEAR = frozenset({SendStatus.ACCEPTED, SendStatus.PERMANENT, SendStatus.THROTTLED})


class CircuitBreaker:
    """Circuit breaker over recent send statuses; safe to use from any thread."""

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._failing_until: float | None = None
        self._account_until: float | None = None
        self._open_until: float | None = None
        """The later of both ends, or the time from which probes are allowed again."""
        self._is_account_shared = False
        """True while the row of the account, which all its senders follow, was seen open."""
        self._open_seconds = policy.open_seconds
        self._probes_left = 0

    @property
    def account_refused(self) -> bool:
        """Return whether it is open, or half open, because the account was refused."""
        return self._account_until is not None

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

    def record(self, statuses: Sequence[SendStatus]) -> SendStatus | None:
        """Record the statuses of sends, in order; return the one that opened it, if any."""
        with self._lock:
            if self._open_until is None and OPENING.isdisjoint(statuses):
                self._recent.extend([False for status in statuses if status in CLEAR])
                return None
            opened = [status for status in statuses if self._record(status)]
        return opened[-1] if opened else None

    def open_for(self, seconds: float) -> None:
        """Open for so many seconds, as the provider asks, or as another sender's breaker is open.

        An end that is earlier than the present one is ignored.
        """
        with self._lock:
            until = self._clock() + seconds
            if seconds > 0 and until > (self._failing_until or 0.0):
                self._failing_until = until
                self._open()

    def follow_account(self, seconds: float | None) -> None:
        """Follow the row of the account: open for so many seconds, or None where it is not open.

        A row that was open and ended lets the account be tried now. Without a row that was seen,
        the account is as it was found here: the row may not be written yet.
        """
        with self._lock:
            if seconds is not None:
                self._is_account_shared = True
                until = self._clock() + seconds
                if until > (self._account_until or 0.0):
                    self._account_until = until
                    self._open()
            elif self._is_account_shared:
                self._is_account_shared = False
                if self._account_until is not None and self._clock() < self._account_until:
                    self._account_until = self._clock()
                    self._open()

    def probe_account(self) -> None:
        """Allow probes now, if only the refused account prevents them: there is another secret."""
        with self._lock:
            self._is_account_shared = False
            if self._account_until is not None:
                self._account_until = min(self._account_until, self._clock())
                self._open()

    def end_account(self) -> None:
        """End the refusal of the account: it is accepted. Failures stay as they are."""
        with self._lock:
            self._account_until = None
            self._is_account_shared = False
            failing = self._failing_until is not None and self._failing_until > self._clock()
            if failing:
                self._open()
            else:
                self._end_failures()
                self._open_until = None

    def _record(self, status: SendStatus) -> bool:
        if status is SendStatus.ACCOUNT:
            return self._record_account()
        if status not in FAILURES and status not in CLEAR:
            return False
        if self._open_until is not None:
            return self._record_probe(status)
        failed = status in FAILURES
        self._recent.append(failed)
        if not failed or len(self._recent) < self._policy.min_samples:
            return False
        if sum(self._recent) < self._policy.failure_share * len(self._recent):
            return False
        self._failing_until = self._clock() + self._open_seconds
        self._open()
        return True

    def _record_account(self) -> bool:
        now = self._clock()
        if self._open_until is not None and now < self._open_until:
            return False  # a send that began before the breaker opened
        self._end_failures()
        self._refuse_account(now + self._policy.account_seconds)
        return True

    def _record_probe(self, status: SendStatus) -> bool:
        now = self._clock()
        if self._open_until is None or now < self._open_until:
            return False  # a send that began before the breaker opened
        if status in FAILURES:
            self._open_seconds = min(self._policy.max_open_seconds, 2 * self._open_seconds)
            if self._account_until is not None:
                self._refuse_account(now + self._open_seconds)
            else:
                self._failing_until = now + self._open_seconds
                self._open()
            return True
        self._end_failures()
        if status is SendStatus.ACCEPTED:
            self._account_until = None
            self._is_account_shared = False
        if self._account_until is None:
            self._open_until = None
        return False

    def _end_failures(self) -> None:
        self._failing_until = None
        self._open_seconds = self._policy.open_seconds

    def _refuse_account(self, until: float) -> None:
        self._account_until = until
        self._is_account_shared = False
        self._open()

    def _open(self) -> None:
        self._open_until = max(self._failing_until or 0.0, self._account_until or 0.0)
        self._probes_left = self._policy.probes
        self._recent.clear()
