"""Dates and time zones that people type."""

import re
from datetime import date
from functools import cache

from campaign_common.domain.limits.provider_limits import UTC_ZONE, known_zones

LAST_YEAR = 9000
"""No plan goes so far, and in no time zone the calendar ends before it does."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
