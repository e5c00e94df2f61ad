"""Pacer: claimed messages of limited providers start when their grants are due."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from campaign_common.domain.limits.provider_limits import LimitUnit
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_providers.contract import REACHED_PROVIDER, PreSendCheck, SendResult, SendStatus
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Message

LONGEST_WAIT = 0.1
"""Seconds until messages that wait are looked at again, whatever their grants say."""

SHORTEST_WAIT = 0.002
"""Seconds between two looks; grants that are due in between start together."""

PLENTY = 1_000
"""Grants that are due beyond what waits, from which messages are checked once only."""

LONGEST_REST = 15.0
"""Seconds until a message of a resting provider is due again: live limits may end the rest."""

Report = Callable[[Sequence[SendResult[Message]]], None]


class PacedQueue:
    """Claimed messages of one limited provider, in their order.

    `check`: the check before a send, by which messages are left out before they use grants.
    `submit` is that of the provider, `connections` the requests that it may have under way,
    `rests_for` the seconds for which its
    circuit breaker is open.
    """

    def __init__(
        self,
        limiter: ProviderLimiter,
        check: PreSendCheck[Message],
        submit: Callable[[Sequence[Message]], None],
        connections: Callable[[], int | None],
        rests_for: Callable[[], float],
        report: Report,
    ) -> None:
        self.limiter = limiter
        self._check = check
        self._submit = submit
        self._connections = connections
        self._breaker_rests_for = rests_for
        self._report = report
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._under_way = 0
        self._checked_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, messages: Sequence[Message], *, first: bool = False) -> None:
        """Add messages whose claim is committed, and start those that may start now.

        `first`: before those that wait already.
        """
        with self._lock:
            if first:
                self._waiting.extendleft(reversed(messages))
            else:
                self._waiting.extend(messages)
        self.start_due()

    @property
    def is_needed(self) -> bool:
        """Return whether messages have to wait for grants or for a part of `Concurrency`."""
        limiter = self.limiter
        return limiter.needs_grants or limiter.connections is not None or bool(self._waiting)

    def note_ended(self, results: Sequence[SendResult[Message]]) -> None:
        """Note requests that ended, or did not start: their connections are free."""
        with self._lock:
            self._under_way = max(0, self._under_way - len(results))
        if self.limiter.limits.limits_day:
            for result in results:
                if result.status not in REACHED_PROVIDER:
                    self.limiter.give_back(result.message)

    def start_due(self) -> None:
        """Start the messages whose grants are due, and report those that must not be sent."""
        with self._lock:
            started, refused = self._take_due()
            self._under_way += len(started)
        if refused:
            self._report(refused)
        if started:
            self._submit(started)

    def give_back(self) -> None:
        """Report all waiting messages as not granted: they leave the claim."""
        with self._lock:
            messages, self._waiting = list(self._waiting), deque()
            self.limiter.drop_gathered()
        if messages:
            self._report([SendResult(one, SendStatus.NOT_GRANTED) for one in messages])

    def pause(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""
        if not self._waiting:
            return None
        next_in = self.limiter.next_in()
        return LONGEST_WAIT if next_in is None else min(LONGEST_WAIT, next_in)

    def _take_due(self) -> tuple[list[Message], list[SendResult[Message]]]:
        size = min(self._free(), len(self._waiting), self._due())
        if size <= 0:
            return [], []
        head = [self._waiting.popleft() for _ in range(size)]
        refused: list[SendResult[Message]] = []
        rest = self._rests_for()
        if not rest and self.limiter.due() >= size + PLENTY:
            started = self._grant(head)  # the provider checks them, as any others
            self._waiting.extendleft(reversed(head[len(started) :]))
            return list(started), refused
        # Before a grant is used for them: a paused campaign must not use up what others may send.
        allowed: list[Message] = []
        for message, status in zip(head, self._check(head), strict=True):
            if status is None and rest > 0:
                wait = min(rest, LONGEST_REST)
                refused.append(SendResult(message, SendStatus.RESTING, retry_after=wait))
            elif status is None:
                allowed.append(message)
            else:
                refused.append(SendResult(message, status))
        started = self._grant(allowed)
        self._waiting.extendleft(reversed(allowed[len(started) :]))
        return list(started), refused

    def _grant(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Take grants for the first messages, and return those that have some."""
        limiter = self.limiter
        if limiter.limits.unit is LimitUnit.SEGMENTS:
            return self._grant_one_by_one(messages)
        taken = limiter.take(len(messages)) if messages else None
        if taken is None:
            return ()
        started = messages[: taken.units]
        for message in started:
            message.send_until = taken.until
        return started

    def _grant_one_by_one(self, messages: Sequence[Message]) -> Sequence[Message]:
        for place, message in enumerate(messages):
            taken = self.limiter.take_for(self.limiter.cost_of(message))
            if taken is None:
                return messages[:place]
            message.send_until = taken.until
        return messages

    def _due(self) -> int:
        """Return how many messages are worth a check now: all of them now and then."""
        now = monotonic()
        if now - self._checked_at >= LONGEST_WAIT:
            self._checked_at = now
            return len(self._waiting)
        return self.limiter.due()

    def _rests_for(self) -> float:
        return max(self._breaker_rests_for(), self.limiter.rests_for)

    def claimable(self, seconds: float) -> int | None:
        """Return how many more messages may be claimed for so many seconds; None: no limit.

        While the provider rests there is none: what is claimed goes back at once, without an
        attempt, and out of the way of other providers.
        """
        if self._rests_for() > 0:
            return None
        return self.limiter.claimable(seconds, len(self._waiting))

    def _free(self) -> int:
        connections = self._connections()
        if connections is None:
            return len(self._waiting)
        return connections - self._under_way


class GrantQueue(Protocol):
    """Messages that wait for grants."""

    def __len__(self) -> int:
        """Return their number."""

    @property
    def is_needed(self) -> bool:
        """Return whether there are grants to wait for."""

    def pause(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""

    def start_due(self) -> None:
        """Start the messages whose grants are due."""


class Pacer:
    """Thread that starts the messages of limited providers and campaigns when grants are due.

    `after`: called now and then while messages wait, as more may be claimed by then.
    """

    def __init__(self, queues: Sequence[GrantQueue], after: Callable[[], None]) -> None:
        self._queues = queues
        self._after = after
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._thread = IndispensableThread("pacer", self._run)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Return whether the thread runs; only a programming error ends it early."""
        return self._thread.alive

    def stop(self) -> None:
        """Stop the thread; return when it has ended."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            pauses = [pause for queue in self._queues if (pause := queue.pause()) is not None]
            self._stop.wait(max(SHORTEST_WAIT, min(pauses, default=LONGEST_WAIT / 2)))
            for queue in self._queues:
                if len(queue):
                    queue.start_due()
            if any(queue.is_needed for queue in self._queues):
                self._after()
