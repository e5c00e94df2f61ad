"""Fields of requests and answers that marshmallow has not, or not as strict."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate


class Integer(fields.Integer):
    """A JSON number without fraction, as 5 and 5.0 are; true and false are no numbers here."""

    def _deserialize(self, value: object, *_: object, **__: object) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("must be an integer")
        return value


class Text(fields.String):
    """Text that a database can hold: no NUL, no half of a surrogate pair."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValidationError("must be Unicode text without NUL")
        return value


def length(longest: int) -> validate.Length:
    """Text of 1 to `longest` characters."""
    return validate.Length(1, longest, error=f"must have 1 to {longest} characters")


def error_code() -> Text:
    """Build a field for an error code of a message, as the ledger's ASCII column holds it."""
    return Text(
        validate=validate.Regexp(
            r"^[!-~]{1,32}$", error="must have 1 to 32 printable ASCII characters"
        )
    )


class Moment(fields.Field[datetime]):
    """A time as RFC 3339 in UTC: milliseconds and Z when written, any offset when read."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        metadata = {"type": "string", "format": "date-time", **options.pop("metadata", {})}
        super().__init__(metadata=metadata, **options)

    def _serialize(self, value: datetime | None, *_: object, **__: object) -> str | None:
        return None if value is None else rfc3339(value)

    def _deserialize(self, value: object, *_: object, **__: object) -> datetime:
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # no time, or one that lies before the year 1 or after 9999 in UTC
        raise ValidationError("must be a time as RFC 3339, such as 2026-01-31T09:30:00Z")


def rfc3339(moment: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
