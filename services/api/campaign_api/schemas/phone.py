"""Phone numbers in paths, parameters and bodies."""

from typing import Any

from marshmallow import ValidationError, fields

from campaign_common.recipient import normalise_phone

PATTERN = r"^[+ .()-]*([0-9][+ .()-]*){7,15}$"
"""The numbers that are accepted, as JSON Schema has them."""

SAID = "must be a phone number: 7 to 15 digits, with or without + - . ( ) and spaces"

LONGEST = 64
"""Characters, punctuation included."""

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
            digits = normalise_phone(value.removesuffix("\n"))
        if digits is None:
            raise ValidationError(SAID)
        return digits
