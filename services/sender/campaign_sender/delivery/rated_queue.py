"""Rated queue: claimed messages of campaigns with a rate, until the grants of it are due."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from campaign_common.domain.campaign import CampaignId
from campaign_providers.contract import PreSendCheck, SendResult, SendStatus
from campaign_sender.delivery.pacer import Submit
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.message import Message

SWEEP_INTERVAL = 0.1
"""Seconds between two checks of all messages that wait."""

KNOWN_FOR = 2.0
"""Seconds ahead for which grants are known: those of the present slot and the next one."""


class RatedQueue:
    """Messages of one provider whose campaigns have a rate.

    With the grant of its campaign a message goes before others to the provider, or to wait for a
    grant of it: how many are claimed follows from the campaign's share already.

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
        """Called when messages wait that were not there before."""
        self._lock = threading.Lock()
        self._waiting: dict[CampaignId, deque[Message]] = {}
        self._swept_at = 0.0
        self._surplus: dict[CampaignId, int] = {}
        """Messages that waited without a grant at the last sweep."""

    def __len__(self) -> int:
        return sum(map(len, list(self._waiting.values())))

    def waiting_of(self, campaign_id: CampaignId) -> int:
        """Return the number of messages of a campaign that wait."""
        return len(self._waiting.get(campaign_id, ()))

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
        self.start_due()
        self.on_waiting()

    def start_due(self) -> None:
        """Start the messages whose grants are due, and report those that must not be sent."""
        started: list[Message] = []
        refused: list[SendResult[Message]] = []
        with self._lock:
            rates, rests, now = self._rates(), self._is_resting(), monotonic()
            if now - self._swept_at >= SWEEP_INTERVAL:
                self._swept_at = now
                refused = self._sweep(rates)
            for campaign_id, queue in self._waiting.items():
                rate = rates.get(campaign_id)
                if rate is None or rests:
                    started += queue
                    queue.clear()
                elif queue and (granted := rate.take(len(queue))) is not None:
                    for _ in range(granted.units):
                        message = queue.popleft()
                        message.rate_until = granted.until
                        started.append(message)
            self._waiting = {one: queue for one, queue in self._waiting.items() if queue}
        if refused:
            self._report(refused)
        if started:
            self._submit(started, first=True)

    def pause(self) -> float | None:
        """Return the seconds until the next message may start; None: none waits."""
        if not self._waiting:
            return None
        rates = self._rates()
        pauses = [
            rate.next_in() for one in list(self._waiting) if (rate := rates.get(one)) is not None
        ]
        return min([SWEEP_INTERVAL, *(pause for pause in pauses if pause is not None)])

    def _sweep(self, rates: Mapping[CampaignId, CampaignRate]) -> list[SendResult[Message]]:
        """Take out what must not be sent, and what has no grant in the time that is known.

        The latter waits unclaimed: nothing of it is in doubt when this process dies.
        """
        refused: list[SendResult[Message]] = []
        surplus_before, self._surplus = self._surplus, {}
        for campaign_id, queue in self._waiting.items():
            kept: deque[Message] = deque()
            for message, status in zip(queue, self._check(list(queue)), strict=True):
                if status is None:
                    kept.append(message)
                else:
                    refused.append(SendResult(message, status))
            rate = rates.get(campaign_id)
            surplus = 0 if rate is None else max(0, len(kept) - rate.claimable(KNOWN_FOR, 0))
            # Twice in a row: single grants come and go between two slots.
            leaving = min(surplus, surplus_before.get(campaign_id, 0))
            self._surplus[campaign_id] = surplus - leaving
            refused += [SendResult(kept.pop(), SendStatus.NOT_GRANTED) for _ in range(leaving)]
            self._waiting[campaign_id] = kept
        return refused


def _ignore() -> None:
    """Do nothing."""
