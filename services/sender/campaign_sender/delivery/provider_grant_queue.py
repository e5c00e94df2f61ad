"""Provider grant queue: claimed messages of a limited provider, until their grants are due."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from operator import attrgetter
from time import monotonic
from typing import Protocol

from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.runtime.boot_time import boot_time
from campaign_providers.contract import REACHED_PROVIDER, PreSendCheck, SendResult, SendStatus
from campaign_sender.delivery.pacer import SWEEP_INTERVAL
from campaign_sender.in_flight.claim_window import CLAIM_WINDOW
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Grant, Message

PLENTY = 1_000
"""Grants that are due beyond what waits, from which messages are checked once only."""

LATE_SHARE = 32
"""Part of the grants that are due, 1 in so many, which are taken at once for late messages."""

STARTED_SPAN = 1.0
"""Seconds of starts that may wait where `Concurrency` is the only limit."""

Report = Callable[[Sequence[SendResult[Message]]], None]


class Submit(Protocol):
    """Submission of messages to a provider."""

    def __call__(self, messages: Sequence[Message], *, first: bool = False) -> None:
        """Start to send messages; `first`: before those that wait for a connection."""


class LateGrants:
    """Grants of one unit for messages that missed their own; used by any thread.

    Where many are due, some are taken at once: a provider that is handed many messages asks for
    each of them, and a look for one costs as much as for many.
    """

    def __init__(self, limiter: ProviderLimiter) -> None:
        self._limiter = limiter
        self._lock = threading.Lock()
        self._left = 0
        self._until = 0.0

    def take(self, messages: int, now: float) -> tuple[int, float]:
        """Take grants for up to so many messages.

        Returns:
            Their number, and the boot time after which they are lost.
        """
        with self._lock:
            if not self._left or self._until < now:
                share = self._limiter.due() // LATE_SHARE
                taken = self._limiter.take_again(max(messages, share))
                self._left, self._until = (0, now) if taken is None else (taken.units, taken.until)
            number = min(messages, self._left)
            self._left -= number
            return number, self._until


class ProviderGrantQueue:
    """Claimed messages of one provider, in their order, while it is limited.

    Starts and ends are counted without limits too: limits may be set while messages are under way.
    `check`: the check before a send, by which messages are left out before they use grants.
    `submit` is that of the provider, `connections` the requests that it may have under way,
    `circuit_open_for` the seconds for which its circuit breaker is open.
    """

    def __init__(
        self,
        limiter: ProviderLimiter,
        check: PreSendCheck[Message],
        submit: Submit,
        connections: Callable[[], int | None],
        circuit_open_for: Callable[[], float],
        report: Report,
    ) -> None:
        self.limiter = limiter
        self._check = check
        self._submit = submit
        self._connections = connections
        self._circuit_open_for = circuit_open_for
        self._report = report
        self.on_waiting: Callable[[], None] = _ignore
        """Called when messages wait that were not there before."""
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._under_way = 0
        self._starting = self._start_again = False
        self._has_granted = False
        self._swept_at = 0.0
        self._surplus = 0
        """Messages that waited without a grant at the last sweep."""
        self._late_grants = LateGrants(limiter)
        self._claimed_for = CLAIM_WINDOW
        self._started = 0
        self._span_began = (monotonic(), 0)
        self._started_in_span: int | None = None
        self.lacks_connections = False
        """True while messages wait for the end of others, and not for grants."""
        self._limits = limiter.limits
        self._has_limits = _has_limits(limiter.limits)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_limited(self) -> bool:
        """Return whether messages wait for grants, a part of `Concurrency`, or for live limits."""
        limits = self.limiter.limits
        if limits is not self._limits:
            self._has_limits = _has_limits(limits)
            self._limits = limits
        return self._has_limits or not self.limiter.is_fresh

    @property
    def under_way(self) -> int:
        """Number of messages that the provider has, and has not reported."""
        return self._under_way

    @property
    def day_used_up_for(self) -> float:
        """Seconds until the day ends that is used up; 0: it is not."""
        return self.limiter.day_used_up_for if self.is_limited else 0.0

    def submit(self, messages: Sequence[Message], *, first: bool = False) -> None:
        """Start messages whose claim is committed: at once, or when they may.

        `first`: before those that wait already, here or for a connection.
        """
        if self.is_limited or self._waiting:
            with self._lock:
                if not self._waiting:
                    # What starts at once is checked when it starts, and not before that too.
                    self._swept_at = monotonic()
                if first:
                    self._waiting.extendleft(reversed(messages))
                else:
                    self._waiting.extend(messages)
            self.start_due()
            if self._waiting:
                self.on_waiting()
        else:
            with self._lock:
                self._under_way += len(messages)
                self._started += len(messages)
            if first:
                self._submit(messages, first=True)
            else:
                self._submit(messages)

    def note_ended(self, results: Sequence[SendResult[Message]]) -> None:
        """Note results of the provider; what did not reach it returns the units of its day."""
        with self._lock:
            self._under_way -= len(results)
        statuses = list(map(attrgetter("status"), results))
        if not self._has_granted or statuses.count(SendStatus.ACCEPTED) == len(statuses):
            return
        for result in results:
            grant = result.message.grant
            if grant is not None and result.status not in REACHED_PROVIDER:
                result.message.grant = None
                if grant.day is not None:
                    self.limiter.return_units(grant.day, grant.units)

    def start_due(self) -> None:
        """Start the messages whose grants are due, and report those that must not be sent.

        A provider may report results before `submit` returns: a start within another one, or
        beside it, is left to that.
        """
        with self._lock:
            self._start_again = True
            if self._starting:
                return
            self._starting = True
        while True:
            with self._lock:
                if not self._start_again:
                    self._starting = False
                    return
                self._start_again = False
                started, refused = self._take_due()
                self._under_way += len(started)
                self._started += len(started)
            if refused:
                self._report(refused)
            if started:
                self._submit(started)

    def next_in(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""
        if not self._waiting:
            return None
        granted_in = None if self.lacks_connections else self.limiter.next_in()
        return SWEEP_INTERVAL if granted_in is None else min(SWEEP_INTERVAL, granted_in)

    def claimable(self, seconds: float) -> int | None:
        """Return how many more messages may be claimed for so many seconds; None: no limit."""
        self._claimed_for = seconds
        return self.limiter.claimable(seconds, len(self._waiting))

    def require_grants(
        self, messages: Sequence[Message], statuses: Sequence[SendStatus | None]
    ) -> list[SendStatus | None]:
        """Refuse messages that have no valid grant: it was missed, or they never waited here.

        Those that were handed to the provider before the limits were set have none. A message that
        comes too late for its grant takes another one that is due: a provider that was handed many
        at once may need longer for them than a grant lasts.
        """
        now = boot_time()
        needs_day = self.limiter.limits.limits_day
        late: list[int] = []
        valid = None  # the grant of the last message: those that started together have the same
        for place, (status, message) in enumerate(zip(statuses, messages, strict=True)):
            grant = message.grant
            if status is None and (grant is None or grant is not valid):
                if _is_valid(grant, now, needs_day=needs_day):
                    valid = grant
                else:
                    late.append(place)
        if not late:
            return list(statuses)
        checked = list(statuses)
        for place in self._grant_again(messages, late, now, needs_day=needs_day):
            checked[place] = SendStatus.NOT_GRANTED
        return checked

    def _grant_again(
        self, messages: Sequence[Message], late: Sequence[int], now: float, *, needs_day: bool
    ) -> Sequence[int]:
        """Take other grants for messages that missed their own; return those that have none.

        Their units of a day stay their own. `late`: their places among `messages`.
        """
        refused: list[int] = []
        entitled: list[int] = []
        for place in late:
            grant = messages[place].grant
            if grant is None or grant.day_until < now or (needs_day and grant.day is None):
                refused.append(place)
            else:
                entitled.append(place)
        if self.limiter.limits.unit is LimitUnit.SEGMENTS:
            return refused + [p for p in entitled if not self._grant_segments(messages[p])]
        while entitled:
            number, until = self._late_grants.take(len(entitled), now)
            if not number:
                break
            _renew([messages[place] for place in entitled[:number]], until)
            entitled = entitled[number:]
        return refused + entitled

    def _grant_segments(self, message: Message) -> bool:
        grant = message.grant
        again = None if grant is None else self.limiter.take_again_for(grant.units)
        if again is not None:
            _renew([message], again.until)
        return again is not None

    # --- inside the lock ------------------------------------------------------------------

    def _take_due(self) -> tuple[list[Message], list[SendResult[Message]]]:
        now = monotonic()
        rests = self._circuit_open_for() > 0 or self.day_used_up_for > 0
        refused: list[SendResult[Message]] = []
        if rests or now - self._swept_at >= SWEEP_INTERVAL:
            refused = self._sweep(now, rests=rests)
        free, due = self._free(), self.limiter.due() if self._waiting else 0
        size = min(free, len(self._waiting), due)
        self.lacks_connections = free < min(len(self._waiting), due)
        if size <= 0:
            return [], refused
        head = [self._waiting.popleft() for _ in range(size)]
        if not self.limiter.has_plenty(size + PLENTY):
            # Before a grant is used: a paused campaign must not use up what others may send.
            head, unsent = _split(head, self._check(head))
            refused += unsent
        started = self._grant(head)
        self._waiting.extendleft(reversed(head[len(started) :]))
        return list(started), refused

    def _sweep(self, now: float, *, rests: bool) -> list[SendResult[Message]]:
        """Take out what must not be sent, and what has no grant within the time it was claimed for.

        The latter waits unclaimed: nothing of it is in doubt when this process dies.
        """
        self._swept_at = now
        waiting = list(self._waiting)
        kept, refused = _split(waiting, self._check(waiting))
        bound = 0 if rests else self._most_waiting(now)
        surplus = 0 if bound is None else max(0, len(kept) - bound)
        # Twice in a row: single grants come and go between two slots.
        leaving = surplus if rests else min(surplus, self._surplus)
        self._surplus = surplus - leaving
        staying = len(kept) - leaving
        refused += [SendResult(one, SendStatus.NOT_GRANTED) for one in kept[staying:]]
        self._waiting = deque(kept[:staying])
        return refused

    def _most_waiting(self, now: float) -> int | None:
        """Return how many messages may wait here, claimed; None: there is no bound."""
        began, started = self._span_began
        if now - began >= STARTED_SPAN:
            self._started_in_span = self._started - started
            self._span_began = now, self._started
        if self.limiter.needs_grants:
            return self.limiter.claimable(self._claimed_for, 0)
        connections = self._connections()
        if connections is None or self._started_in_span is None:
            return None
        return max(connections, self._started_in_span)

    def _grant(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Take grants for the first messages, and return those that have some."""
        self._has_granted = True
        limiter = self.limiter
        if limiter.limits.unit is LimitUnit.SEGMENTS:
            return self._grant_one_by_one(messages)
        taken = limiter.take(len(messages)) if messages else None
        if taken is None:
            return ()
        started = messages[: taken.units]
        grant = Grant(taken.until, taken.day, 1, taken.day_until)
        for message in started:
            message.grant = grant
        return started

    def _grant_one_by_one(self, messages: Sequence[Message]) -> Sequence[Message]:
        for place, message in enumerate(messages):
            taken = self.limiter.take_for(self.limiter.cost_of(message))
            if taken is None:
                return messages[:place]
            message.grant = Grant(taken.until, taken.day, taken.units, taken.day_until)
        return messages

    def _free(self) -> int:
        connections = self._connections()
        if connections is None:
            return len(self._waiting)
        return connections - self._under_way


def _has_limits(limits: ProviderLimits) -> bool:
    return limits.needs_grants or limits.concurrency is not None


def _renew(messages: Sequence[Message], until: float) -> None:
    """Extend the grants of messages to a boot time, each in its day."""
    before = renewed = None
    for message in messages:
        grant = message.grant
        if grant is None:
            continue
        if grant is not before:
            before, renewed = grant, grant._replace(until=min(until, grant.day_until))
        message.grant = renewed


def _is_valid(grant: Grant | None, now: float, *, needs_day: bool) -> bool:
    return grant is not None and grant.until >= now and (grant.day is not None or not needs_day)


def _split(
    messages: Sequence[Message], statuses: Sequence[SendStatus | None]
) -> tuple[list[Message], list[SendResult[Message]]]:
    """Split messages by their check into those that may be sent, and results of the others."""
    allowed: list[Message] = []
    refused: list[SendResult[Message]] = []
    for message, status in zip(messages, statuses, strict=True):
        if status is None:
            allowed.append(message)
        else:
            refused.append(SendResult(message, status))
    return allowed, refused


def _ignore() -> None:
    """Do nothing."""
