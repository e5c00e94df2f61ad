"""Campaign grant queue: claimed messages of campaigns with a rate, until grants of it are due."""

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import heappop, heappush

from campaign_common.domain.campaign import CampaignId
from campaign_common.runtime.boot_time import boot_time
from campaign_providers.contract import PreSendCheck, SendResult, SendStatus
from campaign_sender.delivery.pacer import SHORTEST_WAIT, SWEEP_INTERVAL
from campaign_sender.delivery.provider_grant_queue import Submit
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.message import Message

SURPLUS_INTERVAL = 0.2
"""Seconds between two counts of what has no grant in sight."""

KNOWN_FOR = 2.0
"""Seconds ahead for which grants are known: those of the present slot and the next one."""


class CampaignGrantQueue:
    """Messages of one provider whose campaigns have a rate.

    With the grant of its campaign a message goes before others to the provider, or to wait for a
    grant of it: how many are claimed follows from the campaign's share already. Campaigns are
    looked at when their next grant is due, and when they have new ones.

    `rates`: the campaigns with a rate. `check`: the check before a send. `is_resting`: nothing is
    sent to the provider, which refuses what is submitted.
    """

    def __init__(
        self,
        rates: Callable[[], Mapping[CampaignId, CampaignRate]],
        check: PreSendCheck[Message],
        submit: Submit,
        is_resting: Callable[[], bool],
        report: Callable[[Sequence[SendResult[Message]]], None],
    ) -> None:
        self._rates = rates
        self._check = check
        self._submit = submit
        self._is_resting = is_resting
        self._report = report
        self.on_waiting: Callable[[], None] = _ignore
        """Called when messages wait that were not there before, or grants."""
        self._lock = threading.Lock()
        self._waiting: dict[CampaignId, deque[Message]] = {}
        """Those of each campaign; none is empty."""
        self._size = 0
        self._due: list[tuple[float, CampaignId]] = []
        """Heap of the boot times at which campaigns are looked at. One that has no grants is not
        in it."""
        self._due_at: dict[CampaignId, float] = {}
        """Earliest one of each campaign; others of it in the heap are ignored."""
        self._seen: Mapping[CampaignId, CampaignRate] = {}
        """Rates at the last look."""
        self._swept_at = self._counted_at = 0.0
        self._surplus: dict[CampaignId, int] = {}
        """Messages that had no grant in sight at the last count."""

    def __len__(self) -> int:
        return self._size

    def waiting_of(self, campaign_id: CampaignId) -> int:
        """Return the number of messages of a campaign that wait."""
        return len(self._waiting.get(campaign_id, ()))

    def waiting(self, campaigns: Collection[CampaignId]) -> dict[CampaignId, int]:
        """Return the number of messages of each of some campaigns that wait."""
        with self._lock:
            return {one: len(queue) for one, queue in self._waiting.items() if one in campaigns}

    @property
    def is_limited(self) -> bool:
        """Return whether campaigns have a rate, so that more may be claimed now and then."""
        return bool(self._rates())

    def takes(self, campaign_id: CampaignId) -> bool:
        """Return whether the messages of a campaign wait here."""
        return campaign_id in self._rates()

    def add(self, campaign_id: CampaignId, messages: Sequence[Message]) -> None:
        """Add claimed messages of a campaign, and start those that may start now."""
        with self._lock:
            self._waiting.setdefault(campaign_id, deque()).extend(messages)
            self._size += len(messages)
            self._note_due(campaign_id, 0.0)
        self.start_due()
        self.on_waiting()

    def note_grants(self, campaigns: Iterable[CampaignId]) -> None:
        """Note campaigns that have new grants."""
        with self._lock:
            found = [one for one in campaigns if one in self._waiting]
            for campaign_id in found:
                self._note_due(campaign_id, 0.0)
        if found:
            self.on_waiting()

    def start_due(self) -> None:
        """Start the messages whose grants are due, and report those that must not be sent."""
        started: list[Message] = []
        refused: list[SendResult[Message]] = []
        with self._lock:
            rates, now = self._rates(), boot_time()
            if rates is not self._seen:
                self._seen = rates
                for campaign_id in self._waiting.keys() - rates.keys():
                    self._note_due(campaign_id, 0.0)
            if self._is_resting():
                for campaign_id in list(self._waiting):
                    started += self._take(campaign_id)
            elif now - self._swept_at >= SWEEP_INTERVAL:
                self._swept_at = now
                refused = self._sweep(rates, now)
            while self._due and self._due[0][0] <= now:
                at, campaign_id = heappop(self._due)
                if self._due_at.get(campaign_id) == at:
                    del self._due_at[campaign_id]
                    started += self._start(campaign_id, rates.get(campaign_id), now)
        if refused:
            self._report(refused)
        if started:
            self._submit(started, first=True)

    def next_in(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""
        if not self._size:
            return None
        with self._lock:
            if not self._due:
                return SWEEP_INTERVAL
            return min(SWEEP_INTERVAL, max(0.0, self._due[0][0] - boot_time()))

    # --- inside the lock ------------------------------------------------------------------

    def _note_due(self, campaign_id: CampaignId, at: float) -> None:
        """Note the boot time at which a campaign is due, unless an earlier one is noted."""
        if at < self._due_at.get(campaign_id, at + 1):
            self._due_at[campaign_id] = at
            heappush(self._due, (at, campaign_id))

    def _start(
        self, campaign_id: CampaignId, rate: CampaignRate | None, now: float
    ) -> Sequence[Message]:
        """Take the messages of a campaign that may start, and note when the next one may."""
        queue = self._waiting.get(campaign_id)
        if queue is None:
            return ()
        if rate is None:
            return self._take(campaign_id)
        started: list[Message] = []
        if (granted := rate.take(len(queue))) is not None:
            started += [queue.popleft() for _ in range(granted.units)]
            for message in started:
                message.rate_until = granted.until
            self._size -= len(started)
        if not queue:
            self._forget(campaign_id)
        elif (seconds := rate.next_in()) is not None:
            self._note_due(campaign_id, now + max(SHORTEST_WAIT, seconds))
        return started

    def _take(self, campaign_id: CampaignId) -> Sequence[Message]:
        queue = self._waiting[campaign_id]
        self._size -= len(queue)
        self._forget(campaign_id)
        return queue

    def _forget(self, campaign_id: CampaignId) -> None:
        del self._waiting[campaign_id]
        self._due_at.pop(campaign_id, None)
        self._surplus.pop(campaign_id, None)

    def _sweep(
        self, rates: Mapping[CampaignId, CampaignRate], now: float
    ) -> list[SendResult[Message]]:
        """Take out what must not be sent, and what has no grant in the time that is known.

        The latter waits unclaimed: nothing of it is in doubt when this process dies.
        """
        messages = [message for queue in self._waiting.values() for message in queue]
        refused = [
            SendResult(message, status)
            for message, status in zip(messages, self._check(messages), strict=True)
            if status is not None
        ]
        if refused:
            ended = {id(result.message) for result in refused}
            for campaign_id in {result.message.record.campaign_id for result in refused}:
                queue = self._waiting[campaign_id]
                self._waiting[campaign_id] = deque(m for m in queue if id(m) not in ended)
            self._size -= len(refused)
        for campaign_id in [one for one, queue in self._waiting.items() if not queue]:
            self._forget(campaign_id)
        if now - self._counted_at >= SURPLUS_INTERVAL:
            self._counted_at = now
            for campaign_id, queue in list(self._waiting.items()):
                if (rate := rates.get(campaign_id)) is not None:
                    refused += self._without_grants(campaign_id, queue, rate)
        return refused

    def _without_grants(
        self, campaign_id: CampaignId, queue: deque[Message], rate: CampaignRate
    ) -> list[SendResult[Message]]:
        surplus = max(0, len(queue) - rate.claimable(KNOWN_FOR, 0))
        # Twice in a row: single grants come and go between two slots.
        leaving = min(surplus, self._surplus.pop(campaign_id, 0))
        if surplus > leaving:
            self._surplus[campaign_id] = surplus - leaving
        left = [SendResult(queue.pop(), SendStatus.NOT_GRANTED) for _ in range(leaving)]
        self._size -= leaving
        if not queue:
            self._forget(campaign_id)
        return left


def _ignore() -> None:
    """Do nothing."""
