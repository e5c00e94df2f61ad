"""Fields of requests and responses that marshmallow lacks, or has less strict."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from campaign_api.times import rfc3339

WITHOUT_NUL = "^[^\\x00]*$"
"""Text, as JSON Schema has it; half of a surrogate pair is no character there anyway."""

_LOCAL = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"

LOCAL_TIME = re.compile(_LOCAL, re.IGNORECASE)
"""The same without its offset: a time as the clocks of a place show it."""

_RFC_3339 = re.compile(_LOCAL + r"(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE)
"""A date-time of RFC 3339, section 5.6: less than ISO 8601 allows, and than Python reads."""


class Integer(fields.Integer):
    """A JSON number without fraction, as 5 and 5.0 are; true and false are no numbers here."""

    def _deserialize(self, value: object, *_: object, **__: object) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("must be an integer")
        return value


class TrueOrFalse(fields.Boolean):
    """A JSON true or false, and nothing that may stand for them."""

    def _deserialize(self, value: object, *_: object, **__: object) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("must be true or false")
        return value


class Text(fields.String):
    """Text that a database can hold: no NUL, no half of a surrogate pair."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        metadata = {"pattern": WITHOUT_NUL, **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValidationError("must be Unicode text without NUL")
        return value


def length(longest: int) -> validate.Length:
    """Text of 1 to `longest` characters."""
    return validate.Length(1, longest, error=f"must have 1 to {longest} characters")


def whole(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of JSON Schema, whose `$` is the end of the text and of no line before."""
    return re.compile(rf"(?:{pattern})\Z")


def error_code() -> Text:
    """Build a field for an error code of a message, as the ledger's ASCII column holds it."""
    pattern = "^[!-~]{1,32}$"
    return Text(
        validate=validate.Regexp(
            whole(pattern), error="must have 1 to 32 printable ASCII characters"
        ),
        metadata={"pattern": pattern},
    )


class Amount(fields.Decimal):
    """An amount of money: a decimal as text, without an exponent and further zeros."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        pattern = "^[0-9]+([.][0-9]+)?$"
        metadata = {"type": "string", "pattern": pattern, **options.pop("metadata", {})}
        super().__init__(as_string=True, metadata=metadata, **options)

    def _to_string(self, value: Decimal) -> str:
        return format(value.normalize(), "f")


class PositiveAmount(Amount):
    """An amount of money in a request: decimal text, above 0 and below 10**`digits`.

    A JSON number with a fraction is read as a binary one, which is another amount.
    """

    def __init__(self, digits: int, decimals: int, **options: Any) -> None:  # noqa: ANN401
        # The document says the same, so no amount that it allows is refused.
        below_one = "|".join(
            f"{'0' * zeros}[1-9][0-9]{{0,{decimals - zeros - 1}}}" for zeros in range(decimals)
        )
        pattern = f"^([1-9][0-9]{{0,{digits - 1}}}([.][0-9]{{1,{decimals}}})?|0[.]({below_one}))$"
        super().__init__(metadata={"pattern": pattern, **options.pop("metadata", {})}, **options)
        self._pattern = whole(pattern)
        self._expected = (
            f'must be an amount such as "120.50", above 0, with at most {digits} digits before the'
            f" point and {decimals} after it"
        )

    def _deserialize(self, value: object, *_: object, **__: object) -> Decimal:
        if not isinstance(value, str) or not self._pattern.match(value):
            raise ValidationError(self._expected)
        return Decimal(value)


class Moment(fields.Field[datetime]):
    """A time as RFC 3339 in UTC: milliseconds and Z when written, any offset when read."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        metadata = {"type": "string", "format": "date-time", **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    def _serialize(self, value: datetime | None, *_: object, **__: object) -> str | None:
        return None if value is None else rfc3339(value)

    def _deserialize(self, value: object, *_: object, **__: object) -> datetime:
        try:
            if isinstance(value, str) and _RFC_3339.fullmatch(value):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # no time, or one that lies before the year 1 or after 9999 in UTC
        raise ValidationError("must be a time as RFC 3339, such as 2026-01-31T09:30:00Z")
