"""Pacer: claimed messages of limited providers and campaigns start when their grants are due."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from math import inf
from time import monotonic
from typing import Protocol

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import LimitUnit
from campaign_common.runtime.periodic_thread import IndispensableThread
from campaign_providers.contract import REACHED_PROVIDER, PreSendCheck, SendResult, SendStatus
from campaign_sender.limiting.campaign_rate import CampaignRate
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


class Submit(Protocol):
    """Submission of messages to a provider."""

    def __call__(self, messages: Sequence[Message], *, first: bool = False) -> None:
        """Start to send messages; `first`: before those that wait for a connection."""


def _no_rates() -> Mapping[CampaignId, CampaignRate]:
    return {}


class PacedQueue:
    """Claimed messages that wait for grants: of one limited provider, or of campaigns with a rate.

    Those of a campaign with a rate need a grant of it besides one of the provider. They start
    before others, since they are claimed by the campaign's share already.

    `check`: the check before a send, by which messages are left out before they use grants.
    `submit` is that of the provider, `connections` the requests that it may have under way,
    `rests_for` the seconds for which its circuit breaker is open, `rates` the campaigns with a
    rate.
    """

    def __init__(
        self,
        limiter: ProviderLimiter,
        check: PreSendCheck[Message],
        submit: Submit,
        connections: Callable[[], int | None],
        rests_for: Callable[[], float],
        report: Report,
        rates: Callable[[], Mapping[CampaignId, CampaignRate]] = _no_rates,
    ) -> None:
        self.limiter = limiter
        self._check = check
        self._submit = submit
        self._connections = connections
        self._breaker_rests_for = rests_for
        self._report = report
        self._rates = rates
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._with_rate: dict[CampaignId, deque[Message]] = {}
        """Messages of campaigns that had a rate when they were claimed."""
        self._under_way = 0
        self._checked_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting) + sum(map(len, list(self._with_rate.values())))

    def waiting_of(self, campaign_id: CampaignId) -> int:
        """Return the number of messages of a campaign with a rate that wait."""
        return len(self._with_rate.get(campaign_id, ()))

    def add(self, messages: Sequence[Message]) -> None:
        """Add claimed messages of one campaign, and start those that may start now."""
        campaign_id = messages[0].record.campaign_id
        with self._lock:
            if campaign_id in self._rates():
                self._with_rate.setdefault(campaign_id, deque()).extend(messages)
            else:
                self._waiting.extend(messages)
        self.start_due()

    @property
    def is_limited(self) -> bool:
        """Return whether the provider needs grants, or a part of `Concurrency`."""
        return self.limiter.needs_grants or self.limiter.connections is not None

    @property
    def is_needed(self) -> bool:
        """Return whether messages of any campaign have to wait here."""
        return self.is_limited or bool(self._waiting)

    @property
    def counts_requests(self) -> bool:
        """Return whether requests are counted that end; also those of limits that were lifted."""
        return self.is_needed or self._under_way > 0

    def takes(self, campaign_id: CampaignId) -> bool:
        """Return whether the messages of a campaign have to wait here."""
        return self.is_needed or campaign_id in self._rates()

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
        refused: list[SendResult[Message]] = []
        with self._lock:
            now = monotonic()
            is_all_checked = now - self._checked_at >= LONGEST_WAIT
            if is_all_checked:
                self._checked_at = now
            first: list[Message] = []
            for campaign_id, queue in list(self._with_rate.items()):
                rate = self._rates().get(campaign_id)
                first += self._take_due(queue, rate, refused, is_all_checked=is_all_checked)
                if not queue:
                    del self._with_rate[campaign_id]
            started = self._take_due(self._waiting, None, refused, is_all_checked=is_all_checked)
        if refused:
            self._report(refused)
        if first:
            self._submit(first, first=True)
        if started:
            self._submit(started)

    def give_back(self) -> None:
        """Report all waiting messages as not granted: they leave the claim."""
        with self._lock:
            messages = [*self._waiting, *chain.from_iterable(self._with_rate.values())]
            self._waiting, self._with_rate = deque(), {}
            self.limiter.drop_gathered()
        if messages:
            self._report([SendResult(one, SendStatus.NOT_GRANTED) for one in messages])

    def pause(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""
        pauses: list[float] = []
        if self._waiting:
            pauses.append(_at_most(self.limiter.next_in()))
        for campaign_id in list(self._with_rate):
            rate = self._rates().get(campaign_id)
            of_rate = 0.0 if rate is None else _at_most(rate.next_in())
            limited = self.limiter.needs_grants
            pauses.append(max(of_rate, _at_most(self.limiter.next_in()) if limited else 0.0))
        return min(pauses, default=None)

    def _take_due(
        self,
        queue: deque[Message],
        rate: CampaignRate | None,
        refused: list[SendResult[Message]],
        *,
        is_all_checked: bool,
    ) -> list[Message]:
        """Take the messages of a queue that may start now; add those that must not be sent."""
        due = len(queue) if is_all_checked else self.limiter.due()
        if rate is not None and not is_all_checked:
            due = min(due, rate.due())
        size = min(self._free(len(queue)), len(queue), due)
        if size <= 0:
            return []
        head = [queue.popleft() for _ in range(size)]
        rest = self._rests_for()
        if not rest and self.limiter.due() >= size + PLENTY:
            started = self._grant(head, rate)  # the provider checks them, as any others
            queue.extendleft(reversed(head[len(started) :]))
            return started
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
        started = self._grant(allowed, rate)
        queue.extendleft(reversed(allowed[len(started) :]))
        return started

    def _grant(self, messages: list[Message], rate: CampaignRate | None) -> list[Message]:
        """Take grants for the first messages, and return those that have some."""
        if rate is not None:
            messages = messages[: rate.due()]
        limiter = self.limiter
        if limiter.limits.unit is LimitUnit.SEGMENTS:
            started = self._grant_one_by_one(messages)
        else:
            taken = limiter.take(len(messages)) if messages else None
            started = messages[: taken.units] if taken is not None else []
            for message in started:
                message.send_until = taken.until if taken is not None else inf
        if rate is not None and started:
            # Those that another thread has taken meanwhile are refused by the check before a send.
            granted = rate.take(len(started))
            for message in started[: granted.units if granted is not None else 0]:
                message.rate_until = granted.until if granted is not None else 0.0
        self._under_way += len(started)
        return started

    def _grant_one_by_one(self, messages: list[Message]) -> list[Message]:
        for place, message in enumerate(messages):
            taken = self.limiter.take_for(self.limiter.cost_of(message))
            if taken is None:
                return messages[:place]
            message.send_until = taken.until
        return messages

    @property
    def is_resting(self) -> bool:
        """Return whether nothing is sent to the provider at present."""
        return self._rests_for() > 0

    def _rests_for(self) -> float:
        return max(self._breaker_rests_for(), self.limiter.rests_for)

    def claimable(self, seconds: float) -> int | None:
        """Return how many more messages may be claimed for so many seconds; None: no limit.

        While the provider rests there is none: what is claimed goes back at once, without an
        attempt, and out of the way of other providers.
        """
        if self._rests_for() > 0:
            return None
        return self.limiter.claimable(seconds, len(self))

    def _free(self, wanted: int) -> int:
        """Return how many requests more may be under way; without a limit the provider decides."""
        connections = self._connections() if self.is_limited else None
        if connections is None:
            self._under_way = 0
            return wanted
        return connections - self._under_way


def _at_most(pause: float | None) -> float:
    return LONGEST_WAIT if pause is None else min(LONGEST_WAIT, pause)


class Pacer:
    """Thread that starts the messages that wait for grants when these are due.

    `after`: called now and then while messages wait, as more may be claimed by then.
    """

    def __init__(
        self,
        queues: Sequence[PacedQueue],
        after: Callable[[], None],
        rates: Callable[[], Mapping[CampaignId, CampaignRate]] = _no_rates,
    ) -> None:
        self._queues = queues
        self._after = after
        self._rates = rates
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
            if self._rates() or any(queue.is_needed for queue in self._queues):
                self._after()
