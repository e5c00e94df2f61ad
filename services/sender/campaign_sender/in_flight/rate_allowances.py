"""Rate allowances: how many messages of campaigns with a rate of their own may be claimed."""

from collections.abc import Callable, Iterable
from time import monotonic

from campaign_common.domain.campaign import CampaignId
from campaign_sender.in_flight.admitted_queue import AdmittedQueue
from campaign_sender.in_flight.claim_window import ClaimBounds
from campaign_sender.message import Message

COUNTED_FOR = 0.05
"""Seconds for which a count holds while the recorder waits: as often grants of rates wake it."""


class RateAllowances:
    """Allowances of the campaigns in the queues of a buffer; used inside its lock."""

    def __init__(self, bounds: ClaimBounds, clock: Callable[[], float] = monotonic) -> None:
        self._bounds = bounds
        self._clock = clock
        self._available: dict[str, tuple[float, int]] = {}
        """When they were counted, and how many messages of a provider may be taken."""

    def of(self, queue: AdmittedQueue, claims: Iterable[Message] = ()) -> dict[CampaignId, int]:
        """Return how many messages of a queue's campaigns may be claimed besides `claims`."""
        rates = self._bounds.campaigns_with_rate()
        if not rates:
            return {}
        allowed: dict[CampaignId, int] = {}
        for campaign_id in queue.counts(rates):
            n = self._bounds.claimable_of(campaign_id)
            if n is not None:
                allowed[campaign_id] = n
        use(allowed, claims)
        return allowed

    def available(self, provider: str, queue: AdmittedQueue) -> int:
        """Return how many messages of a provider's queue may be taken, as of the latest count."""
        if not self._bounds.campaigns_with_rate():
            return len(queue)
        now = self._clock()
        counted_at, available = self._available.get(provider, (-COUNTED_FOR, 0))
        if now - counted_at >= COUNTED_FOR:
            available = queue.available(self.of(queue))
            self._available[provider] = now, available
        return min(available, len(queue))

    def count_again(self) -> None:
        """Count again at the next request: messages were added or are to be taken."""
        self._available.clear()


def use(allowed: dict[CampaignId, int], claims: Iterable[Message]) -> None:
    """Take claims off what is allowed."""
    if allowed:
        for message in claims:
            campaign_id = message.record.campaign_id
            if campaign_id in allowed:
                allowed[campaign_id] = max(0, allowed[campaign_id] - 1)
