"""Times as RFC 3339 text."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Format an aware time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def naive_utc(moment: datetime | None) -> datetime | None:
    """Return a time as the database has it: naive, in UTC; None for None."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


def rfc3339_utc(at: datetime) -> str:
    """Format a time of the database, which is naive and in UTC, as RFC 3339."""
    return rfc3339(at.replace(tzinfo=UTC))
