"""Fields of requests and answers that marshmallow has not, or not as strict."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate


class Integer(fields.Field[int]):
    """A JSON number without fraction; true and false are no numbers here."""

    def _deserialize(self, value: object, *_: object, **__: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("must be an integer")
        return value


class Text(fields.Field[str]):
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
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValidationError("must be a time as RFC 3339, such as 2026-01-31T09:30:00Z")
        return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
