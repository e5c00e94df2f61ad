"""Times of a place, as its clocks show them, and the moments that they are."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class NoSuchTime(ValueError):
    """The clocks of a zone never show a time, or show it twice; the text says which."""


class LocalTime(NamedTuple):
    """A time as a clock in `zone` shows it; `is_second`: that of the two that a clock shows so.

    A clock that is put back shows the times of an hour twice; one that is put forward leaves
    those of an hour out (RFC 5545, section 3.3.5, has the same two cases).
    """

    date: date
    time: time
    zone: str
    is_second: bool = False

    @property
    def is_skipped(self) -> bool:
        """Return whether no clock in the zone ever shows it."""
        naive = self._in_zone.replace(tzinfo=None)
        return (
            self._in_zone.astimezone(UTC).astimezone(self._in_zone.tzinfo).replace(tzinfo=None)
            != naive
        )

    @property
    def is_shown_twice(self) -> bool:
        """Return whether clocks in the zone show it twice."""
        first, second = (self._in_zone.replace(fold=fold).utcoffset() for fold in (0, 1))
        return first != second and not self.is_skipped

    @property
    def instant(self) -> datetime:
        """Return the time in UTC; of one that is skipped, what lies as far behind the gap.

        Raises:
            OverflowError: it lies before the year 1 or after 9999 there.
        """
        return self._in_zone.astimezone(UTC)

    @property
    def _in_zone(self) -> datetime:
        fold = int(self.is_second)
        return datetime.combine(self.date, self.time, ZoneInfo(self.zone)).replace(fold=fold)


def local_of(instant: datetime, zone: str) -> LocalTime:
    """Return what a clock in a zone shows at an instant, to the minute."""
    shown = instant.astimezone(ZoneInfo(zone))
    return LocalTime(
        shown.date(), shown.time().replace(second=0, microsecond=0), zone, bool(shown.fold)
    )


def day_bounds(first: date, last: date, zone: str) -> tuple[datetime, datetime]:
    """Return the instants between which the days of a zone lie, from `first` to `last`.

    Raises:
        OverflowError: they lie outside of the calendar.
    """
    midnight = time()
    return (
        LocalTime(first, midnight, zone).instant,
        LocalTime(last + timedelta(days=1), midnight, zone).instant,
    )


def moment_in(local: datetime, zone: str) -> datetime:
    """Return the moment at which the clocks of `zone` show `local`, which is naive.

    Where the clocks go forward, a time in the gap is no moment; where they go back, a time in the
    overlap is two, and an offset has to say which one is meant. Neither is guessed: a campaign
    must not start an hour away from what was meant.

    Raises:
        NoSuchTime: there is no such moment, or there are two.
        zoneinfo.ZoneInfoNotFoundError, ValueError: there is no such zone.
    """
    shown = LocalTime(local.date(), local.time(), zone)
    if shown.is_skipped:
        raise NoSuchTime(f"is a time that the clocks of {zone} leave out")
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if shown.is_shown_twice:
        raise NoSuchTime(
            f"is a time that the clocks of {zone} show twice: {first.isoformat()} and"
            f" {second.isoformat()}; give one of the two"
        )
    return first
