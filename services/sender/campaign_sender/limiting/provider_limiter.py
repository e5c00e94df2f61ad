"""Provider limiter: the limits of one provider as this sender keeps them."""

from datetime import date
from math import ceil, inf

from campaign_common.database import Database
from campaign_common.domain.limits.concurrency import ALONE
from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits
from campaign_common.domain.limits.recent_peak import RecentPeak
from campaign_common.domain.limits.slots import MOST_WANTED, SlotDemand
from campaign_common.domain.sms_segments import segmentation
from campaign_common.store.limits.live_limits import CONFIGURED
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.day_lease import DAY_TURN, DayLease
from campaign_sender.limiting.slot_lease import SlotLease, Taken
from campaign_sender.message import Message

COST_SMOOTHING = 0.1
"""Weight of the latest message in the mean cost of all."""

COST_FADING = 0.98
"""Part of the largest cost that is kept with each message that costs less."""

PEAK_SPAN = 1.0
"""Seconds over which the most messages that waited at once count as wanted in the next slot: what
waits is claimed by batches, and none may be left at the moment of a turn."""

NO_GRANTS_INTERVAL = 0.5
"""Seconds between two turns of a provider whose limits need no grants."""

STALE_PAUSE = 0.05
"""Seconds until the next turn while the live limits were not read for too long."""


class ProviderLimiter:
    """Grants of one provider, by its configured limits or the live ones that replace them.

    `share`: part of the shards that this sender has, from 0 to 1. `sender_shards`: those of all
    senders, by which requests under way are divided. `fresh_until`: time of
    `clock` after which nothing is granted, since live limits may have changed.
    """

    def __init__(
        self,
        database: Database,
        provider: str,
        sender: str,
        configured: ProviderLimits,
        clock: DatabaseClock,
    ) -> None:
        self._configured = self._all = configured
        self._version = CONFIGURED
        self.limits = configured.on(date.min) if configured.ramp else configured
        """Limits that hold now; those with a ramp from the first `set_live` on."""
        self._slots = SlotLease(database, provider, sender, clock)
        self._days = DayLease(database, provider, clock.local, clock.reading)
        self._clock = clock.local
        self._mean_cost = 1.0
        self._largest_cost = 1.0
        self._head_cost = 1
        """Units that the next message costs, where it was refused for its day."""
        self._slots_at = 0.0
        self.wanted_beside = 0
        """Single messages that wait for grants of a second; they have their units of the day."""
        self._most_waiting = RecentPeak(PEAK_SPAN)
        self.share = 1.0
        self.sender_shards = ALONE
        self.fresh_until = inf

    def set_live(
        self,
        limits: ProviderLimits | None,
        version: int = CONFIGURED,
        moment: float | None = None,
        fresh_until: float = inf,
    ) -> None:
        """Replace the configured limits by live ones, as read at a moment of the server's clock.

        Args:
            limits: None: the configured ones hold.
            version: that of the live limits.
            moment: seconds since 1970; None: limits have no ramp.
            fresh_until: time of `clock` until which nothing newer need be known.
        """
        chosen = self._configured if limits is None else limits
        in_force = chosen if moment is None else chosen.around(moment)
        if in_force != self.limits or version != self._version:
            self._days.suspend()
            self.limits = in_force
            self._slots_at = 0.0
        self._all, self._version = chosen, version
        self.fresh_until = fresh_until

    def withhold(self) -> None:
        """Grant nothing until limits are set that can be read."""
        self.fresh_until = -inf

    @property
    def is_fresh(self) -> bool:
        """Return whether the live limits were read a short time ago; else nothing is granted."""
        return self._clock() <= self.fresh_until

    @property
    def needs_grants(self) -> bool:
        """Return whether messages start by grants only."""
        return self.limits.needs_grants or not self.is_fresh

    @property
    def connections(self) -> int | None:
        """Requests under way that this sender may have by `Concurrency`; None: no limit."""
        total = self.limits.concurrency
        return None if total is None else self.sender_shards.part_of(total)

    # --- leasing --------------------------------------------------------------------------

    def note_waiting(self, waiting: int) -> None:
        """Note how many messages wait between two turns; by the thread that calls `turn`."""
        self._most_waiting.note(self._clock(), waiting)

    def is_due(self, waiting: int) -> bool:
        """Return whether a turn comes at once, since messages wait for grants that are spare."""
        wanted = ceil((waiting + self.wanted_beside) * self._unit_cost)
        if not self._has_rate() or not self._slots.is_due(wanted):
            return False
        self._slots_at = 0.0
        return True

    def turn(self, waiting: int) -> float:
        """Lease grants for `waiting` messages; return the seconds until the next turn.

        Raises:
            RetryLater: the database is down.
        """
        if not self.is_fresh:
            return STALE_PAUSE
        limits, version = self._all, self._version
        if not self.limits.needs_grants:
            return NO_GRANTS_INTERVAL
        largest = ceil(self._largest_cost) if limits.unit is LimitUnit.SEGMENTS else 1
        wanted = min(MOST_WANTED, ceil(waiting * self._unit_cost))
        if waiting:
            wanted = max(wanted, self._head_cost, largest)
        beside = self._wanted_beside(largest)
        self.note_waiting(waiting)
        if self._clock() >= self._slots_at:
            most = min(MOST_WANTED, ceil(self._most_waiting.value * self._unit_cost))
            demand = SlotDemand(max(wanted, most) + beside, largest)
            self._slots.turn(limits, wanted + beside, demand, version)
            self._slots_at = self._clock() + self._slots.until_turn(wanted + beside)
        reading = self._slots.reading()
        if self._has_day() and reading is not None:
            self._days.turn(limits.at(reading.moment), wanted, self._head_cost)
            return max(0.0, min(DAY_TURN, self._slots_at - self._clock()))
        return max(0.0, self._slots_at - self._clock())

    def return_unused(self) -> None:
        """Return the grants of the day that are left, in an orderly stop."""
        self._days.return_unused()

    # --- using ----------------------------------------------------------------------------

    def cost_of(self, message: Message) -> int:
        """Return the units that a message costs."""
        if self.limits.unit is LimitUnit.MESSAGES:
            return 1
        if not message.segments:
            message.segments = cost = segmentation(message.body).segments
            self._mean_cost += COST_SMOOTHING * (cost - self._mean_cost)
            self._largest_cost = max(float(cost), COST_FADING * self._largest_cost)
        return message.segments

    def claimable(self, seconds: float, waiting: int) -> int | None:
        """Return how many messages may be claimed for so many seconds; None: no limit.

        `waiting` are claimed and have not started. One message of several units is claimed with
        the first of them.
        """
        if not self.needs_grants:
            return None
        units = self._upcoming(seconds)
        if not units:
            return 0
        least = 0 if waiting else 1
        return max(least, int(units / self._unit_cost) - waiting)

    def due(self) -> int:
        """Return how many messages may start now, or gather grants."""
        return self._upcoming(0.0)

    def has_plenty(self, units: int) -> bool:
        """Return whether so many may start now, apart from the day, whose units come back."""
        return not self._has_rate() or self._slots.upcoming(0.0) >= units

    def take(self, units: int) -> Taken | None:
        """Take grants of up to so many messages of one unit; None: none is due."""
        if not self.is_fresh:
            return None
        if self._has_day():
            units = min(units, self._days.available())
        return self._with_day(self._slots.take(units) if self._has_rate() else Taken(units, inf))

    def take_for(self, cost: int) -> Taken | None:
        """Take the grants of one message; None: they are not due."""
        if not self.is_fresh:
            return None
        if self._has_day() and self._days.available() < cost:
            self._head_cost = cost
            return None
        self._head_cost = 1
        return self._with_day(self._slots.take_for(cost) if self._has_rate() else Taken(cost, inf))

    def take_again(self, messages: int) -> Taken | None:
        """Take grants for up to so many messages of one unit that have missed theirs.

        They keep their units of the day.
        """
        return self._slots.take(messages) if self.is_fresh and self._has_rate() else None

    def take_again_for(self, cost: int) -> Taken | None:
        """Take the grants of one message that has missed its own."""
        return self._slots.take_for(cost) if self.is_fresh and self._has_rate() else None

    def take_beside(self, cost: int) -> Taken | None:
        """Take the grants of a second of a single message, which has its units of the day.

        None: they are not due.
        """
        if not self.is_fresh:
            return None
        if not self._has_rate():
            return Taken(cost, inf)
        taken = self._slots.take_for(cost)
        if taken is None:
            self._largest_cost = max(self._largest_cost, float(cost))
        return taken

    def return_units(self, day: date, units: int) -> None:
        """Return units of a day that a message took and did not use."""
        self._days.return_units(day, units)

    def next_in(self) -> float | None:
        """Return the seconds until the next grant may be due; None: there is none."""
        return self._slots.next_in() if self._has_rate() else DAY_TURN / 2

    @property
    def is_late(self) -> bool:
        """Return whether no grants are there, as they are leased too late."""
        return self._has_rate() and self._slots.is_late and not self._slots.upcoming(1.0)

    @property
    def rate(self) -> float | None:
        """Messages a second that `PerSecond` lets this sender start; None: no limit."""
        per_second = self.limits.per_second
        return None if per_second is None else float(per_second) * self.share / self._unit_cost

    @property
    def day_used_up_for(self) -> float:
        """Seconds until the day ends that is used up; 0: it is not."""
        until = self._days.used_up_until if self._has_day() else None
        return 0.0 if until is None else max(0.0, until - self._clock())

    @property
    def _unit_cost(self) -> float:
        """Units that a message costs on average."""
        return 1.0 if self.limits.unit is LimitUnit.MESSAGES else self._mean_cost

    def _wanted_beside(self, largest: int) -> int:
        """Return the units that single messages want, at the mean cost; one message at least."""
        waiting = self.wanted_beside
        return max(largest, ceil(waiting * self._unit_cost)) if waiting else 0

    def _upcoming(self, seconds: float) -> int:
        """Return the number of units that are due now or within so many seconds."""
        if not self.is_fresh:
            return 0
        units = self._slots.upcoming(seconds) if self._has_rate() else MOST_WANTED
        return min(units, self._days.available()) if self._has_day() else units

    def _with_day(self, taken: Taken | None) -> Taken | None:
        if taken is None or not taken.units or not self._has_day():
            return taken if taken and taken.units else None
        day, until = self._days.day, self._days.take(taken.units)
        return None if until is None else Taken(taken.units, min(taken.until, until), day, until)

    def _has_rate(self) -> bool:
        return self.limits.per_second is not None

    def _has_day(self) -> bool:
        return self.limits.limits_day
