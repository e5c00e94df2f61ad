"""Campaign rate: the grants of one campaign's own rate as this sender leases them."""

from collections.abc import Callable
from decimal import Decimal

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import slots_of
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_sender.limiting.slot_lease import SlotLease, Taken

LATEST = 0.25
"""Seconds after its instant at which a grant is lost: a message needs one of its provider too, and
those of a slow provider are as far apart."""

MOST_WANTED = 1_000_000
"""Messages that a sender states at most that it wants to send in a slot."""


class CampaignRate:
    """Grants of one campaign's messages; every method may be called from any thread."""

    def __init__(
        self,
        database: Database,
        campaign_id: CampaignId,
        sender: str,
        clock: Callable[[], float],
    ) -> None:
        self._slots = SlotLease(database, slots_of(campaign_id), sender, clock, latest=LATEST)
        self.per_second = Decimal(0)
        """Messages that start in a second over all senders."""

    def turn(self, waiting: int) -> float:
        """Lease grants for `waiting` messages; return the seconds until the next turn.

        Raises:
            RetryLater: the database is down.
        """
        wanted = min(waiting, MOST_WANTED)
        self._slots.turn(ProviderLimits(per_second=self.per_second), wanted)
        return self._slots.pause(wanted)

    def claimable(self, seconds: float, waiting: int) -> int:
        """Return how many messages may be claimed for so many seconds.

        `waiting` are claimed and have not started.
        """
        return max(0, self._slots.upcoming(seconds) - waiting)

    def due(self) -> int:
        """Return how many messages may start now."""
        return self._slots.upcoming(0.0)

    def take(self, messages: int) -> Taken | None:
        """Take the grants of up to so many messages; None: none is due."""
        return self._slots.take(messages)

    def next_in(self) -> float | None:
        """Return the seconds until the next grant is due; None: there is none."""
        return self._slots.next_in()
