"""Fields for amounts, time zones and days of limits."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from campaign_common.domain.limits.provider_limits import known_zones
from campaign_common.settings.fields.plain import Scalar, Value

PLACES = 3
"""Decimal places of an amount."""

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class PositiveDecimal(Scalar[Decimal]):
    """A positive number with at most three decimal places."""

    def __init__(self, high: int, unit: str, *, null: bool = False) -> None:
        self.high = high
        expected = f"expected a number from 0.001 to {high} with at most {PLACES} decimal places"
        super().__init__(expected, f"0.001 to {high} {unit}", null=null)

    def _deserialize(self, value: object, *_: object, **__: object) -> Decimal:
        amount = exact_amount(value, self.high)
        if amount is None:
            raise self.make_error("invalid")
        return amount


class Zone(Value[str]):
    """The name of a time zone of the IANA database."""

    def __init__(self) -> None:
        expected = "expected the name of a time zone, such as UTC or America/Los_Angeles"
        super().__init__(expected, "time zone")

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str) or value not in known_zones():
            raise self.make_error("invalid")
        return value


class Day(Scalar[date]):
    """A date as YYYY-MM-DD."""

    def __init__(self) -> None:
        super().__init__("expected a date such as 2027-01-31", "date")

    def _deserialize(self, value: object, *_: object, **__: object) -> date:
        day = value if type(value) is date else exact_day(value)
        if day is None:
            raise self.make_error("invalid")
        return day


def exact_day(value: object) -> date | None:
    """Return the date of a text YYYY-MM-DD; None: it is none."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def exact_amount(value: object, high: int) -> Decimal | None:
    """Return a number from 0.001 to `high` with at most three decimal places; None: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= high:
        return None
    return amount if amount == round(amount, PLACES) else None
