"""Day lease: this sender's part of what a provider may be sent in a day."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from math import ceil

from campaign_common.database import Database
from campaign_common.domain.limits.day_grants import DayGrants
from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of, end_of_day
from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.store.limits.days import return_of_day, take_of_day

DAY_TURN = 0.1
"""Seconds between two turns."""

LEASE_TURNS = 2.5
"""Turns for which a lease lasts: 0.25 s. So much of the day is lost when a sender is killed."""

LEFT_TURNS = 1.5
"""Turns for which units are left when more are leased."""

USE_FADING = 0.8
"""Part of what was used in the turn before that counts as used in a turn."""

RAMP = 4
"""Multiple of what was used that counts as used while a sender begins: with a rate that is not
known, each lease is ten times the one before as long as all of it is used at once."""

ASKED_AGAIN = 2.0
"""Seconds between two statements about a day that is used up: others may return units."""


class DayLease:
    """Units of the present day for one sender; every method may be called from any thread.

    What is left is returned in an orderly stop, and when the limits change.
    """

    def __init__(
        self,
        database: Database,
        provider: str,
        clock: Callable[[], float],
        reading: Callable[[], ClockReading | None],
    ) -> None:
        self._database = database
        self._provider = provider
        self._clock = clock
        self._reading = reading
        self._lock = threading.Lock()
        self._grants = DayGrants()
        self._limits: ProviderLimits | None = None
        self._is_suspended = False
        self._used = 0
        self._per_turn = 0.0
        self._begins = True
        """True until units are left of a lease, and again after a time without use."""
        self._ask_at = 0.0
        self.used_up_until: float | None = None
        """Local time in seconds until which the day is used up; None: it is not."""

    def turn(self, limits: ProviderLimits, wanted: int, cost: int = 1) -> None:
        """Lease units if too few are left for what is wanted.

        Args:
            limits: limits that hold now.
            wanted: units that this sender would use.
            cost: units that the next message costs; a day with less than these is used up.

        Raises:
            RetryLater: the database is down, or it is unknown whether it was leased. Units that may
                have been leased are lost to the day.
        """
        reading = self._reading()
        if reading is None:
            return
        if limits != self._limits or self._is_suspended:
            self._change(limits)
        if limits.per_day is None:
            return
        day = day_of(reading.moment, limits.zone)
        ends = end_of_day(day, limits.zone)
        begins = end_of_day(day - timedelta(days=1), limits.zone)
        with self._lock:
            if self._grants.begin(day, begins, ends):
                self.used_up_until = None
            held = self._grants.held
            self._note_used(self._used, all_of_it=held < cost)
            self._used = 0
        missing = self._missing(held, wanted, cost)
        if not missing or (self.used_up_until is not None and self._clock() < self._ask_at):
            return
        with self._database.reading() as cursor:
            taken = take_of_day(cursor, self._provider, day, wanted=missing, per_day=limits.per_day)
        now = self._clock()
        with self._lock:
            self._grants.add(day, taken)
            is_used_up = taken < missing and self._grants.held < cost
        if is_used_up:
            self._ask_at = now + ASKED_AGAIN
            self.used_up_until = now + ends - reading.moment
        elif taken:
            self.used_up_until = None

    def _note_used(self, used: int, *, all_of_it: bool) -> None:
        if used and not all_of_it:
            self._begins = False
        ramp = RAMP if self._begins and all_of_it else 1
        self._per_turn = max(float(used * ramp), USE_FADING * self._per_turn)
        if self._per_turn < 1:
            self._begins = True

    def _missing(self, held: int, wanted: int, cost: int) -> int:
        if not wanted or held >= max(cost, min(wanted, LEFT_TURNS * self._per_turn)):
            return 0
        # What waits can be sent within a turn, and as much may come in the next ones.
        return max(cost, ceil(LEASE_TURNS * min(wanted, self._per_turn))) - held

    def suspend(self) -> None:
        """Grant nothing until the next turn: the limits have changed."""
        self._is_suspended = True

    def _change(self, limits: ProviderLimits) -> None:
        """Return what is held by limits that hold no more."""
        self.return_unused()
        with self._lock:
            self._limits, self._is_suspended = limits, False
            self.used_up_until = None

    def return_unused(self) -> None:
        """Return what is held, in an orderly stop.

        Raises:
            RetryLater: the database is down, or it is unknown whether it was returned.
        """
        with self._lock:
            held = self._grants.surrender()
        if held is not None:
            with self._database.reading() as cursor:
                return_of_day(cursor, self._provider, held.day, held.units)

    def available(self) -> int:
        """Return the number of units that are held."""
        with self._lock:
            return 0 if self._is_suspended else self._grants.held

    def take(self, units: int) -> float | None:
        """Take units; return the local time after which they must not start; None: too few."""
        reading = self._reading()
        if reading is None:
            return None
        with self._lock:
            now = self._clock()
            end = None if self._is_suspended else self._grants.take(reading, units)
            if end is None:
                return None
            self._used += units
            return now + end - reading.moment

    def return_units(self, day: date, units: int) -> None:
        """Return units of a message that did not start; not those of another day."""
        with self._lock:
            self._grants.add(day, units)

    @property
    def day(self) -> date | None:
        """Day that units are held of."""
        return self._grants.day
