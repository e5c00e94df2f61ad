"""Phone numbers in paths, parameters and bodies."""

from typing import Any

from marshmallow import ValidationError, fields, validate
from phonenumbers import SUPPORTED_REGIONS

from campaign_api.lists.importer.phones import phone_reader
from campaign_common.domain.phone_number import LONGEST, normalise_phone

PATTERN = r"^(\+[1-9][0-9]{0,2}[ -]?|[0-9]{1,3}[ -])?([0-9]{1,3}[ -])?[0-9]{7,9}$"
"""The plainest spellings, as JSON Schema has them.

`campaign_common.domain.phone_number` reads more.
"""

SAID = "must be one phone number: 7 to 15 digits, with or without + - . ( ) and spaces"

PATH_PARAMETER: dict[str, Any] = {
    "in": "path",
    "name": "phone",
    "required": True,
    "schema": {"type": "string", "pattern": PATTERN, "maxLength": LONGEST},
}
"""Documents <phone> in a path."""


class PhoneNumber(fields.Field[str]):
    """A phone number as people write it; read as its digits."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        metadata = {
            "type": "string",
            "pattern": PATTERN,
            "maxLength": LONGEST,
            "example": "+491701234567",
            **options.pop("metadata", {}),
        }
        super().__init__(metadata=metadata, **options)

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        digits = None
        if isinstance(value, str) and len(value) <= LONGEST:
            digits = normalise_phone(value)
        if digits is None:
            raise ValidationError(SAID)
        return digits


class PhoneText(PhoneNumber):
    """A phone number as people write it, whose region is given beside it; `digits_of` reads it."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if isinstance(value, str) and len(value) <= LONGEST:
            return value
        raise ValidationError(SAID)


def region() -> fields.String:
    """Build a field for the region of numbers without a country code."""
    return fields.String(
        validate=validate.OneOf(sorted(SUPPORTED_REGIONS)),
        metadata={"description": "Region of numbers without a country code (ISO 3166-1)."},
    )


def digits_of(text: str, default_region: str | None) -> str:
    """Return the digits of a number, as a file that is imported with this region has them.

    Raises:
        ValidationError: it is none; names `phone`.
    """
    read, fault = phone_reader(default_region)
    digits = read(text) if len(text) <= LONGEST else None
    if digits is None:
        reason = SAID if default_region is None or len(text) > LONGEST else fault(text)
        raise ValidationError(reason, "phone")
    return digits
