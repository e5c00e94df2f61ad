"""Times that people type: a date and a time of day in a time zone of the IANA database."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from campaign_common.domain.limits.provider_limits import UTC_ZONE, known_zones

LAST_YEAR = 9000
"""No plan goes so far, and in no time zone the calendar ends before it does."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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


def date_of(text: str) -> date | None:
    """Return a date of ISO 8601; None: it is none, or farther away than plans are made."""
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
    return found if found is not None and 1970 < found.year < LAST_YEAR else None


@cache
def zone_names() -> tuple[str, ...]:
    """Return the time zones that people may choose: UTC, and those of places."""
    others = {name for name in known_zones() if "/" in name and not name.startswith("Etc/")}
    return (UTC_ZONE, *sorted(others))


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
