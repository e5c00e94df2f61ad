"""Numbers, amounts, durations and times as pages show them, in the language of the request."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from campaign_api.dashboard.render.languages import gettext, locale

NOTHING = "\u2013"
"""Shown where there is no value."""

PATTERN = "yyyy-MM-dd HH:mm:ss"
"""Of a time, before its zone; it sorts, and reads the same in each language."""


def number(value: float | Decimal | None) -> str:
    """Return a number with separators of thousands."""
    return NOTHING if value is None else format_decimal(value, locale=locale())


def share(part: int, whole: int) -> str:
    """Return a part of a whole in percent; 100 % only for all of it, 0 % only for none."""
    if whole == 0:
        return NOTHING
    permille = part * 1000 // whole
    if part and not permille:
        permille = 1
    return format_percent(permille / 1000, format="#,##0.#%", locale=locale())


def amount(value: Decimal | str | None, currency: str | None) -> str:
    """Return an amount of money with its currency, which is a word of the configuration."""
    if value is None:
        return NOTHING
    shown = format_decimal(Decimal(value), format="#,##0.00####", locale=locale())
    return f"{shown} {currency}" if currency else shown


def moment(value: datetime | str | None) -> Markup | str:
    """Return a time with its zone, as an element that says it to programs too.

    A text is a time as responses of the API have it (RFC 3339).
    """
    if value is None:
        return NOTHING
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    shown = format_datetime(value.astimezone(UTC), PATTERN, locale=locale())
    return Markup('<time datetime="{machine}">{shown} UTC</time>').format(
        machine=value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        shown=shown,
    )


def distance(value: datetime | None, now: datetime | None = None) -> str:
    """Return how far a time is from now, in words: in 3 hours, 5 minutes ago."""
    if value is None:
        return NOTHING
    apart = value - (now or datetime.now(UTC))
    if abs(apart) < timedelta(seconds=1):
        return gettext("now")
    return format_timedelta(apart, add_direction=True, threshold=1.2, locale=locale())
