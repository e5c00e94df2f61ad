"""Grants of a day: units of `PerDay` that a sender holds before it sends them."""

from datetime import date
from typing import NamedTuple

from campaign_common.domain.limits.server_clock import ClockReading


class HeldDay(NamedTuple):
    """Units of a day that are held and not started."""

    day: date
    units: int


class DayGrants:
    """Units of one day; they are valid in that day only, and what is left can be returned.

    Not safe for use by several threads at once.
    """

    def __init__(self) -> None:
        self._day: date | None = None
        self._begins = self._ends = 0.0
        self._held = 0

    @property
    def held(self) -> int:
        """Number of units that are held."""
        return self._held

    @property
    def day(self) -> date | None:
        """Day that they belong to."""
        return self._day

    def begin(self, day: date, begins: float, ends: float) -> bool:
        """Set the day and its bounds; False where it is the day that is held.

        Units of another day are dropped. A day has other bounds in another time zone.
        """
        is_new = day != self._day
        if is_new:
            self._held = 0
        self._day, self._begins, self._ends = day, begins, ends
        return is_new

    def add(self, day: date, count: int) -> None:
        """Add units; not those of another day."""
        if day == self._day:
            self._held += count

    def take(self, reading: ClockReading, cost: int) -> float | None:
        """Take units; return the moment by the server's clock after which they are invalid.

        None: there are not enough, or it is another day.
        """
        if self._held < cost or not self._is_valid(reading):
            return None
        self._held -= cost
        return self._ends - reading.margin

    def surrender(self) -> HeldDay | None:
        """Return what is held, which is held no more; None: nothing."""
        if self._day is None or not self._held:
            return None
        held, self._held = HeldDay(self._day, self._held), 0
        return held

    def _is_valid(self, reading: ClockReading) -> bool:
        return (
            reading.moment - reading.margin >= self._begins
            and reading.moment + reading.margin < self._ends
        )
