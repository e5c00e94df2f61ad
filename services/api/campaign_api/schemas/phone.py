"""Phone numbers in paths, parameters and bodies."""

from typing import Any

from marshmallow import ValidationError, fields

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
