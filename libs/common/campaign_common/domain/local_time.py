"""Times of a place, as its clocks show them, and the moments that they are."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


class NoSuchTime(ValueError):
    """The clocks of a zone never show a time, or show it twice; the text says which."""


def moment_in(local: datetime, zone: str) -> datetime:
    """Return the moment at which the clocks of `zone` show `local`, which is naive.

    Where the clocks go forward, a time in the gap is no moment; where they go back, a time in the
    overlap is two, and an offset has to say which one is meant. Neither is guessed: a campaign
    must not start an hour away from what was meant.

    Raises:
        NoSuchTime: there is no such moment, or there are two.
        zoneinfo.ZoneInfoNotFoundError, ValueError: there is no such zone.
    """
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None) != local:
        raise NoSuchTime(f"is a time that the clocks of {zone} leave out")
    raise NoSuchTime(
        f"is a time that the clocks of {zone} show twice: {first.isoformat()} and"
        f" {second.isoformat()}; give one of the two"
    )
