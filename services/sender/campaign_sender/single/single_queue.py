"""Single queue: single messages of one provider, which start when grants of a second are due."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from math import inf

from campaign_common.runtime.boot_time import boot_time
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.message import Grant
from campaign_sender.single.single_message import SingleMessage

LONGEST_WAIT = 0.1
"""Seconds between two looks for grants, whatever the next one says."""

TAKEN_FOR = 2.0
"""Seconds of this sender's rate for which messages are taken: what it takes, others can not send.
One is taken at least, so that there is something to want grants for."""

LEFT_FOR = 1.0
"""Seconds for which a sender takes none after some had no grants: other senders take those."""


class SingleQueue:
    """Single messages of one provider, in their order, while they wait for grants.

    The grants are those of the messages of campaigns, and this queue is asked before theirs.
    Units of the day are taken before. `submit` is that of the provider; any thread may call it.
    """

    def __init__(
        self,
        limiter: ProviderLimiter,
        submit: Callable[[Sequence[SingleMessage]], None],
        clock: Callable[[], float] = boot_time,
    ) -> None:
        self._limiter = limiter
        self._submit = submit
        self._clock = clock
        self.on_waiting: Callable[[], None] = _ignore
        """Called when messages wait that were not there before."""
        self._lock = threading.Lock()
        self._waiting: deque[SingleMessage] = deque()
        self._left_until = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_limited(self) -> bool:
        """Return whether messages start by grants only."""
        return self._limiter.needs_grants

    def room(self, most: int) -> int:
        """Return how many more messages this sender can start soon; up to `most` may wait."""
        if not self._limiter.is_fresh or self._clock() < self._left_until:
            return 0
        rate = self._limiter.rate
        bound = most if rate is None else min(most, max(1, int(rate * TAKEN_FOR)))
        return max(0, bound - len(self._waiting))

    def add(self, messages: Sequence[SingleMessage], *, first: bool = False) -> None:
        """Start messages at once, or when they may; `first`: before those that wait already."""
        with self._lock:
            if first:
                self._waiting.extendleft(reversed(messages))
            else:
                self._waiting.extend(messages)
        self.start_due()
        if self._waiting:
            self.on_waiting()

    def take_out(self, taken_before: float = inf) -> list[SingleMessage]:
        """Take out those that wait and were taken before a boot time: they are not started."""
        with self._lock:
            out = [one for one in self._waiting if one.taken_at < taken_before]
            self._waiting = deque(one for one in self._waiting if one.taken_at >= taken_before)
            self._note_wanted()
        if out:
            self._left_until = self._clock() + LEFT_FOR
        return out

    def next_in(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""
        if not self._waiting:
            return None
        next_in = self._limiter.next_in()
        return LONGEST_WAIT if next_in is None else min(LONGEST_WAIT, next_in)

    def start_due(self) -> None:
        """Start the messages whose grants are due."""
        started: list[SingleMessage] = []
        with self._lock:
            while self._waiting and self._grant(self._waiting[0]):
                started.append(self._waiting.popleft())
            self._note_wanted()
        if started:
            self._submit(started)

    def may_start(self, message: SingleMessage) -> bool:
        """Return whether a message has a valid grant; one that missed its own takes another one.

        It is asked immediately before the message is sent.
        """
        grant = message.grant
        return (grant is not None and grant.until >= self._clock()) or self._grant(message)

    def _grant(self, message: SingleMessage) -> bool:
        taken = self._limiter.take_beside(self._limiter.cost_of(message))
        if taken is None:
            return False
        # Without a limit it has no grant either: it is asked again when it is sent.
        message.grant = None if taken.until == inf else Grant(taken.until, None, taken.units)
        return True

    def _note_wanted(self) -> None:
        self._limiter.wanted_beside = len(self._waiting)


def _ignore() -> None:
    """Do nothing."""
