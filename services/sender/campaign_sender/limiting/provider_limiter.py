"""Provider limiter: the limits of one provider as this sender keeps them."""

from collections.abc import Callable
from datetime import date
from math import inf

from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.sms_segments import segmentation
from campaign_sender.limiting.day_lease import TURN, DayLease
from campaign_sender.limiting.slot_lease import SlotLease, Taken
from campaign_sender.message import Message

COST_SMOOTHING = 0.1
"""Weight of the latest message in the mean cost of all."""

MOST_WANTED = 1_000_000
"""Units that a sender states at most that it wants in a slot."""

IDLE = 0.5
"""Seconds between two turns of a provider whose limits need no grants."""


class ProviderLimiter:
    """Grants of one provider, by its configured limits or the live ones that replace them.

    `share`: part of the partitions that this sender has, from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        provider: str,
        sender: str,
        configured: ProviderLimits,
        clock: Callable[[], float],
    ) -> None:
        self._configured = self.limits = configured
        self._slots = SlotLease(database, provider, sender, clock)
        self._days = DayLease(database, provider, clock, self._slots.reading)
        self._clock = clock
        self._mean_cost = 1.0
        self._turn_at = self._slots_at = 0.0
        self.share = 1.0

    def set_live(self, limits: ProviderLimits | None) -> None:
        """Replace the configured limits by live ones; None: the configured ones hold."""
        self.limits = self._configured if limits is None else limits

    @property
    def needs_grants(self) -> bool:
        """Return whether messages start by grants only."""
        return self.limits.limits_rate or self.limits.limits_day

    @property
    def connections(self) -> int | None:
        """Requests under way that this sender may have by `Concurrency`; None: no limit."""
        total = self.limits.concurrency
        return None if total is None else max(1, int(total * self.share))

    # --- leasing --------------------------------------------------------------------------

    def turn(self, waiting: int) -> float:
        """Lease grants for `waiting` messages; return the seconds until the next turn.

        Raises:
            RetryLater: the database is down.
        """
        limits = self.limits
        if not self.needs_grants:
            return IDLE
        now = self._clock()
        wanted = min(MOST_WANTED, int(waiting * self._mean_cost + 0.5))
        if now >= self._slots_at:
            self._slots.turn(limits, wanted)
            self._slots_at = self._clock() + self._slots.pause(wanted)
        if limits.limits_day:
            reading = self._slots.reading()
            today = limits if reading is None else limits.at(reading.moment)
            self._days.turn(today, wanted)
            return max(0.0, min(TURN, self._slots_at - self._clock()))
        return max(0.0, self._slots_at - self._clock())

    def return_rest(self) -> None:
        """Return the grants of the day that are left, in an orderly stop."""
        self._days.return_rest()

    # --- using ----------------------------------------------------------------------------

    def cost_of(self, message: Message) -> int:
        """Return the units that a message costs."""
        if self.limits.unit is LimitUnit.MESSAGES:
            self._mean_cost = 1.0
            return 1
        cost = segmentation(message.body).segments
        self._mean_cost += COST_SMOOTHING * (cost - self._mean_cost)
        return cost

    def claimable(self, seconds: float, waiting: int) -> int | None:
        """Return how many messages may be claimed for so many seconds; None: no limit.

        `waiting` are claimed and have not started.
        """
        if not self.needs_grants:
            return None
        units = inf
        if self._has_rate():
            units = self._slots.upcoming(seconds)
        if self._has_day():
            units = min(units, self._days.available())
        if units is inf:
            return None
        return max(0, int(units / self._mean_cost) - waiting)

    def due(self) -> int:
        """Return how many messages may start now, or gather grants."""
        units = self._slots.upcoming(0.0) if self._has_rate() else MOST_WANTED
        return min(units, self._days.available()) if self._has_day() else units

    def take(self, units: int) -> Taken | None:
        """Take grants of up to so many messages of one unit; None: none is due."""
        if self._has_day():
            units = min(units, self._days.available())
        taken = self._slots.take(units) if self._has_rate() else Taken(units, inf)
        return self._with_day(taken)

    def take_for(self, cost: int) -> Taken | None:
        """Take the grants of one message; None: they are not due."""
        if self._has_day() and self._days.available() < cost:
            return None
        return self._with_day(self._slots.take_for(cost) if self._has_rate() else Taken(cost, inf))

    def drop_gathered(self) -> None:
        """Lose the grants that a message of several units had gathered."""
        self._slots.drop_gathered()

    def return_units(self, day: date, units: int) -> None:
        """Return the units of a day that a message took and did not use."""
        self._days.return_units(day, units)

    def next_in(self) -> float | None:
        """Return the seconds until the next grant may be due; None: there is none."""
        return self._slots.next_in() if self._has_rate() else TURN / 2

    @property
    def rate(self) -> float | None:
        """Messages a second that `PerSecond` lets this sender start; None: no limit, or unknown."""
        reading = self._slots.reading() if self._has_rate() else None
        per_second = None if reading is None else self.limits.at(reading.moment).per_second
        return None if per_second is None else float(per_second) * self.share / self._mean_cost

    @property
    def rests_for(self) -> float:
        """Seconds until the day ends that is used up; 0: it is not."""
        until = self._days.used_up_until if self._has_day() else None
        return 0.0 if until is None else max(0.0, until - self._clock())

    def _with_day(self, taken: Taken | None) -> Taken | None:
        if taken is None or not taken.units or not self._has_day():
            return taken if taken and taken.units else None
        until = self._days.take(taken.units)
        return (
            None if until is None else Taken(taken.units, min(taken.until, until), self._days.day)
        )

    def _has_rate(self) -> bool:
        return self.limits.limits_rate

    def _has_day(self) -> bool:
        return self.limits.limits_day

    @property
    def is_fresh(self) -> bool:
        """Return whether the live limits are known."""
        return True
