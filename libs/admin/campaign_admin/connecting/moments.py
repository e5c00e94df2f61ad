"""Times of the command line."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from campaign_common.domain.local_time import NoSuchTime, moment_in

AT_ONCE = 0
"""A scheduled_time in the past means now; one that never changes lets a request be repeated."""


def moment_of(text: str, zone: str | None = None) -> int:
    """Read `now`, an RFC 3339 time, or seconds since 1970; returns seconds since 1970."""
    if text == "now":
        return AT_ONCE
    if re.fullmatch(r"[0-9]{1,20}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is neither now, nor 2027-01-31T09:00:00Z, nor seconds since 1970"
        ) from error
    if moment.tzinfo is None and zone is None:
        raise click.BadParameter(f"{text!r} lacks its zone: {text}Z or {text}+02:00")
    if moment.tzinfo is None and zone is not None:
        try:
            moment = moment_in(moment, zone)
        except NoSuchTime as error:
            raise click.BadParameter(f"{text} {error}") from error
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise click.BadParameter(f"{zone!r} is no zone such as Europe/Oslo") from error
    return int(moment.timestamp())


def rfc3339(text: str, zone: str | None = None) -> str:
    """Read a time as `moment_of` does; return it as the API takes it."""
    seconds = moment_of(text, zone)
    try:
        moment = datetime.now(UTC) if seconds == AT_ONCE else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise click.BadParameter(f"{text!r} is beyond the year 9999") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def start_of(text: str, zone: str | None) -> dict[str, str]:
    """Return the fields of a request that plan a start; the zone is kept where it is named."""
    start = {"scheduled_at": rfc3339(text, zone)}
    return start if zone is None else {**start, "time_zone": zone}


def local_text(at: str, zone: str) -> str:
    """Return what the clocks of a zone show at an RFC 3339 time, and the zone's name."""
    try:
        local = datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return zone
    return f"{local:%Y-%m-%d %H:%M} {zone}"
