"""The body of POST /v1/camp/create."""

from collections.abc import Mapping
from typing import NoReturn

from marshmallow import Schema, ValidationError, post_load, validate

from campaign_api.campaigns.campaign_requests import CreateCampaign
from campaign_api.errors import MAX_NAMED_FIELDS, RequestMalformed, joined
from campaign_api.schemas.fields import Integer, Text, length
from campaign_api.web.http.request_reader import LONGEST_FIELD_NAME, parse_json, reworded

LARGEST_CAMPAIGN_ID = 2**40 - 1
"""Ids beyond it are kept for campaigns whose id the server chooses."""

LATEST_TIME = 10**11
"""In seconds this is the year 5138, in milliseconds 1973: anything beyond it is milliseconds."""

LONGEST_TEMPLATE = 16_000
"""Characters; campaigns.template holds 65,535 bytes."""


def _seconds(value: int) -> None:
    if value > LATEST_TIME:
        raise ValidationError(
            f"must be seconds since 1970, and {value} looks like milliseconds;"
            f" did you mean {value // 1000}?"
        )
    if value < 0:
        raise ValidationError("must be seconds since 1970, not negative")


class CreateCampaignSchema(Schema):
    """The fields of the request; others are refused."""

    campaign_name = Text(required=True, validate=length(255))
    campaign_id = Integer(
        required=True,
        validate=validate.Range(
            1, LARGEST_CAMPAIGN_ID, error=f"must be from 1 to {LARGEST_CAMPAIGN_ID}"
        ),
    )
    message_template = Text(required=True, validate=length(LONGEST_TEMPLATE))
    scheduled_time = Integer(
        required=True, validate=_seconds, metadata={"minimum": 0, "maximum": LATEST_TIME}
    )
    csv_file_path = Text(required=True, validate=length(1024))

    @post_load
    def _build(self, data: Mapping[str, object], **_: object) -> CreateCampaign:
        return CreateCampaign(**data)  # type: ignore[arg-type]


def read_create_campaign(body: bytes) -> CreateCampaign:
    """Read the body of a request.

    Raises:
        RequestMalformed: no JSON object, or a field that is missing, unknown or wrong; names
            each of them.
    """
    document = parse_json(body)
    if not isinstance(document, dict):
        raise RequestMalformed("the body must be a JSON object")
    try:
        request: CreateCampaign = CreateCampaignSchema().load(document)
    except ValidationError as error:
        _refuse(error)
    return request


def _refuse(error: ValidationError) -> NoReturn:
    messages = error.messages_dict
    named = sorted(messages)[:MAX_NAMED_FIELDS]
    wrong = [f"{field[:LONGEST_FIELD_NAME]} {reworded(messages[field][0])}" for field in named]
    raise RequestMalformed(joined(wrong, len(messages) - len(named))) from error
