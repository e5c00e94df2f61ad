"""Campaign rate: the grants of one campaign's own rate as this sender leases them."""

from decimal import Decimal

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import slots_of
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.leased_slots import LeasedSlots, Taken

RATE_GRANT_LIFETIME = 0.25
"""Seconds after its instant at which a grant is lost: a message needs one of its provider too, and
those of a slow provider are as far apart."""


class CampaignRate:
    """Grants of one campaign's messages; every method may be called from any thread."""

    def __init__(self, campaign_id: CampaignId, sender: str, clock: DatabaseClock) -> None:
        """Take the clock that all rates of the process share."""
        self.campaign_id = campaign_id
        self.slots = LeasedSlots(slots_of(campaign_id), sender, clock, RATE_GRANT_LIFETIME)
        """Used by the thread that leases."""
        self.per_second = Decimal(0)
        """Messages that start in a second over all senders."""
        self.wanted_at: float | None = None
        """Local time at which a message waited last; None: none has."""

    def claimable(self, seconds: float, waiting: int) -> int:
        """Return how many messages may be claimed for so many seconds.

        `waiting` are claimed and have not started.
        """
        return max(0, self.slots.upcoming(seconds) - waiting)

    def take(self, messages: int) -> Taken | None:
        """Take the grants of up to so many messages; None: none is due."""
        return self.slots.take(messages)

    def next_in(self) -> float | None:
        """Return the seconds until the next grant is due; None: there is none."""
        return self.slots.next_in()
