"""Campaign paces: the rates and priorities of the campaigns whose messages this sender holds."""

import threading
import time
from collections.abc import Callable, Mapping

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import DEFAULT_PRIORITY
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_sender.limiting.campaign_rate import CampaignRate

FORGOTTEN_AFTER = 20.0
"""Seconds without a message of a campaign after which no grants are leased for it any more: longer
than a grant is valid, so that a new lease takes none that an old one has taken."""


class CampaignPaces:
    """Paces as the send guards have read them last; every method may be called from any thread.

    `make_rate` makes the lease of a campaign with a rate.
    """

    def __init__(
        self,
        make_rate: Callable[[CampaignId], CampaignRate],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_rate = make_rate
        self._clock = clock
        self._lock = threading.Lock()
        self._seen_at: dict[CampaignId, float] = {}
        self._priorities: Mapping[CampaignId, int] = {}
        # Replaced as a whole, as it is read for each message that is sent beside one with a rate.
        self._rates: Mapping[CampaignId, CampaignRate] = {}

    @property
    def rates(self) -> Mapping[CampaignId, CampaignRate]:
        """Leases of the campaigns that have a rate."""
        return self._rates

    def priority_of(self, campaign_id: CampaignId) -> int:
        """Return the priority of a campaign."""
        return self._priorities.get(campaign_id, DEFAULT_PRIORITY)

    def update(self, versions: Mapping[CampaignId, CampaignVersion]) -> None:
        """Take over what was read of some campaigns; forget those that were not for long."""
        now = self._clock()
        with self._lock:
            self._seen_at.update(dict.fromkeys(versions, now))
            gone = [one for one, at in self._seen_at.items() if now - at > FORGOTTEN_AFTER]
            priorities, rates = dict(self._priorities), dict(self._rates)
            for campaign_id in gone:
                del self._seen_at[campaign_id]
                priorities.pop(campaign_id, None)
                rates.pop(campaign_id, None)
            for campaign_id, version in versions.items():
                max_rate, priorities[campaign_id] = version.pace
                if max_rate is None:
                    rates.pop(campaign_id, None)
                    continue
                if campaign_id not in rates:
                    rates[campaign_id] = self._make_rate(campaign_id)
                rates[campaign_id].per_second = max_rate
            self._priorities, self._rates = priorities, rates
