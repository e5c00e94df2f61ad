"""Day lease: this sender's part of what a provider may be sent in a day."""

import threading
from collections.abc import Callable
from datetime import date, timedelta

from campaign_common.database import Database
from campaign_common.domain.limits.day_grants import DayGrants
from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of, end_of_day
from campaign_common.domain.limits.server_clock import ClockReading
from campaign_common.store.limits.days import return_of_day, take_of_day

TURN = 0.125
"""Seconds between two turns: what is held lasts for two of them."""


class DayLease:
    """Units of the present day for one sender; every method may be called from any thread.

    A sender holds what it has used in the last two turns, about 0.25 s of its rate: that much is
    lost when it dies. What is left is returned in an orderly stop.
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
        self._used = 0
        self.used_up_until: float | None = None
        """Local time in seconds until which the day is used up; None: it is not."""

    def turn(self, limits: ProviderLimits, wanted: int) -> None:
        """Lease what is missing, up to twice what was used since the last turn.

        Raises:
            RetryLater: the database is down, or it is unknown whether it was leased.
        """
        reading = self._reading()
        if reading is None:
            return
        day = day_of(reading.moment, limits.zone)
        ends = end_of_day(day, limits.zone)
        begins = end_of_day(day - timedelta(days=1), limits.zone)
        now = self._clock()
        with self._lock:
            used, self._used = self._used, 0
            held = self._grants.held if self._grants.day == day else 0
        missing = min(wanted, max(1, 2 * used)) - held
        if limits.per_day is None or missing <= 0:
            self.used_up_until = None
            return
        with self._database.transaction() as cursor:
            taken = take_of_day(cursor, self._provider, day, wanted=missing, per_day=limits.per_day)
        with self._lock:
            self._grants.add(day, begins, ends, taken)
            is_used_up = self._grants.held == 0
        self.used_up_until = now + ends - reading.moment if is_used_up else None

    def return_rest(self) -> None:
        """Return what is held, in an orderly stop.

        Raises:
            RetryLater: the database is down, or it is unknown whether it was returned.
        """
        with self._lock:
            held = self._grants.surrender()
        if held is not None:
            with self._database.transaction() as cursor:
                return_of_day(cursor, self._provider, held.day, held.units)

    def available(self) -> int:
        """Return the number of units that are held."""
        with self._lock:
            return self._grants.held

    def take(self, units: int) -> float | None:
        """Take units; return the local time after which they must not start; None: too few."""
        reading = self._reading()
        if reading is None:
            return None
        with self._lock:
            now = self._clock()
            until = self._grants.take(reading, units)
            if until is None:
                return None
            self._used += units
            return now + until - reading.moment

    def return_units(self, day: date, units: int) -> None:
        """Return units of a message that did not start; not those of a day that is over."""
        with self._lock:
            if day == self._grants.day:
                self._grants.give_back(day, units)
                self._used -= units

    @property
    def day(self) -> date | None:
        """Day that units are held of."""
        return self._grants.day
