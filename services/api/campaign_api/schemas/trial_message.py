"""One real message, to try a template out."""

from marshmallow import Schema, ValidationError, fields, validate

from campaign_api.schemas.campaigns.content import (
    LONGEST_VALUE,
    MOST_ATTRIBUTES,
    message_body,
    message_parts,
    originator_answered,
)
from campaign_api.schemas.fields import Moment, Text
from campaign_api.schemas.message import ShownReceipt
from campaign_api.schemas.phone import PhoneNumber
from campaign_common.domain.message import Status

WORDS = [status.word for status in (Status.SENT, Status.FAILED, Status.EXPIRED, Status.UNKNOWN)]


def _few_enough(attributes: dict[str, str]) -> None:
    if len(attributes) > MOST_ATTRIBUTES:
        raise ValidationError(f"must have at most {MOST_ATTRIBUTES} members")


class TestMessageRequest(Schema):
    """The number to send to, and values of the template's placeholders."""

    phone = PhoneNumber(required=True)
    attributes = fields.Dict(
        keys=Text(),
        values=Text(validate=validate.Length(0, LONGEST_VALUE)),
        load_default=dict,
        validate=_few_enough,
        metadata={
            "description": "Values by column, including name. Those that the template names without"
            " a default are required.",
            "maxProperties": MOST_ATTRIBUTES,
            "example": {"name": "Ann"},
        },
    )
    suppressed = fields.String(
        validate=validate.OneOf(["send"]),
        metadata={
            "description": "`send`: send it even if a suppression applies to the person, which is"
            " refused otherwise; needs a key with the scope admin."
        },
    )


class TestMessageResponse(Schema):
    """A message outside of the campaign's counters; `status` is null until it is known."""

    id = fields.Integer(required=True)
    campaign_id = fields.Integer(required=True)
    provider = fields.String(required=True)
    phone = fields.String(required=True)
    body = message_body()
    parts = message_parts()
    originator = originator_answered()
    status = fields.String(required=True, allow_none=True, validate=validate.OneOf([*WORDS, None]))
    provider_message_id = fields.String(required=True, allow_none=True)
    error_code = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "That of the provider, or why nothing was sent: `day_used_up` where"
            " `PerDay` of its limits leaves too little, `content_not_taken`, or"
            " `database_unavailable`."
        },
    )
    requested_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)
    receipt = fields.Nested(
        ShownReceipt,
        required=True,
        allow_none=True,
        metadata={"description": "null: the provider has reported nothing."},
    )
