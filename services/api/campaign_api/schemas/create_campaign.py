"""The body of POST /v1/camp/create."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from campaign_api.refusals import RequestMalformed

LARGEST_CAMPAIGN_ID = 2**40 - 1
"""Ids beyond it are kept for campaigns whose id the server chooses."""

LATEST_TIME = 10**11
"""In seconds this is the year 5138, in milliseconds 1973: anything beyond it is milliseconds."""

LONGEST_TEMPLATE = 16_000
"""Characters; campaigns.template holds 65,535 bytes."""


@dataclass(frozen=True)
class CreateCampaign:
    """A checked request; `scheduled_time` in seconds since 1970 (UTC)."""

    campaign_name: str
    campaign_id: int
    message_template: str
    scheduled_time: int
    csv_file_path: str

    @property
    def scheduled_at(self) -> datetime:
        """The moment that `scheduled_time` means."""
        return datetime.fromtimestamp(self.scheduled_time, UTC)

    def digest(self) -> str:
        """Return the SHA-256 of the fields, in hexadecimal: equal for a repeated request."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class _Integer(fields.Field[int]):
    """A JSON number without fraction; true and false are no numbers here."""

    def _deserialize(self, value: object, *_: object, **__: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("must be an integer")
        return value


class _Text(fields.Field[str]):
    """Text that a database can hold: no NUL, no half of a surrogate pair."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        if not isinstance(value, str):
            raise ValidationError("must be a string")
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ValidationError("must be Unicode text without NUL")
        return value


def _length(longest: int) -> validate.Length:
    return validate.Length(1, longest, error=f"must have 1 to {longest} characters")


def _seconds(value: int) -> None:
    if value > LATEST_TIME:
        raise ValidationError(
            f"must be seconds since 1970, and {value} looks like milliseconds;"
            f" did you mean {value // 1000}?"
        )
    if value < 0:
        raise ValidationError("must be seconds since 1970, not negative")


class _CreateCampaignSchema(Schema):
    class Meta:
        unknown = RAISE

    campaign_name = _Text(required=True, validate=_length(255))
    campaign_id = _Integer(
        required=True,
        validate=validate.Range(
            1, LARGEST_CAMPAIGN_ID, error=f"must be from 1 to {LARGEST_CAMPAIGN_ID}"
        ),
    )
    message_template = _Text(required=True, validate=_length(LONGEST_TEMPLATE))
    scheduled_time = _Integer(required=True, validate=_seconds)
    csv_file_path = _Text(required=True, validate=_length(1024))

    @post_load
    def build(self, data: Mapping[str, object], **_: object) -> CreateCampaign:
        return CreateCampaign(**data)  # type: ignore[arg-type]


def read_create_campaign(body: bytes) -> CreateCampaign:
    """Read the body of a request.

    Raises:
        RequestMalformed: no JSON object, or a field that is missing, unknown or wrong; names
            each of them.
    """
    try:
        document = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise RequestMalformed(f"the body is not valid JSON: {_first_line(error)}") from error
    if not isinstance(document, dict):
        raise RequestMalformed("the body must be a JSON object")
    try:
        request: CreateCampaign = _CreateCampaignSchema().load(document)
    except ValidationError as error:
        _refuse(error)
    return request


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field is given twice")
    return document


def _refuse(error: ValidationError) -> NoReturn:
    messages = error.messages_dict
    wrong = [f"{field[:64]} {_said(messages[field][0])}" for field in sorted(messages)]
    raise RequestMalformed("; ".join(wrong)) from error


def _said(message: str) -> str:
    """Put marshmallow's own messages into the words of the others."""
    known = {
        "Missing data for required field.": "is missing",
        "Unknown field.": "is not a field of this request",
        "Field may not be null.": "must not be null",
    }
    return known.get(message, message)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
