"""Check of a provider, in requests and responses."""

from marshmallow import Schema, fields, validate

from campaign_api.schemas.campaigns.content import ContentBody, originator_asked
from campaign_api.schemas.fields import Moment, TrueOrFalse
from campaign_api.schemas.phone import PhoneNumber
from campaign_common.settings import AnswerWord
from campaign_common.store.messages.provider_checks import CheckState


class CheckRequest(Schema):
    """The number to send to, and what."""

    phone = PhoneNumber(
        metadata={"description": "Required unless `dry_run`, which has an example without it."}
    )
    dry_run = TrueOrFalse(
        load_default=False,
        metadata={"description": "Only show the request: nothing is sent."},
    )
    content = fields.Nested(
        ContentBody,
        metadata={
            "description": "The content, without columns. Without it a short text; a provider that"
            " takes templates only needs it."
        },
    )
    originator = originator_asked()


class HeaderLine(Schema):
    """A header of a request or an answer."""

    name = fields.String(required=True)
    value = fields.String(required=True)


class CheckedRequest(Schema):
    """The request as it goes out, with secrets and the number masked."""

    method = fields.String(required=True)
    url = fields.String(required=True)
    headers = fields.List(fields.Nested(HeaderLine), required=True)
    body = fields.String(required=True)


class CheckedAnswer(Schema):
    """The answer as it came, with secrets and the number masked."""

    status = fields.Integer(required=True)
    headers = fields.List(
        fields.Nested(HeaderLine), required=True, metadata={"description": "Those of use."}
    )
    body = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "At most 16 KiB; null: it was longer than 64 KiB or encoded, and so is"
            " not read."
        },
    )
    is_cut = fields.Boolean(
        required=True, metadata={"description": "The body was longer than what is shown."}
    )
    seconds = fields.Float(
        required=True, metadata={"description": "From the request to the answer."}
    )


class CheckReading(Schema):
    """Meaning of the answer, or of its absence, for a message of a campaign."""

    word = fields.String(required=True, validate=validate.OneOf([*AnswerWord]))
    rule = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The rule of `Answers` that decided; null: none did."},
    )
    provider_message_id = fields.String(required=True, allow_none=True)
    error_code = fields.String(required=True, allow_none=True)
    retry_after = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Seconds that the answer asks to wait."},
    )
    suppress = fields.Boolean(
        required=True, metadata={"description": "The person does not want to be written to."}
    )


class ProviderCheckSchema(Schema):
    """Check of a provider, with its result once there is one."""

    id = fields.Integer(required=True)
    provider = fields.String(required=True)
    phone = fields.String(
        required=True, metadata={"description": "Masked but for its last two digits."}
    )
    dry_run = fields.Boolean(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf([*CheckState]),
        metadata={
            "description": "`refused`: nothing was sent, `problem` says why. `expired`: no sender"
            " took it within 10 s. `unknown`: its sender was lost and may have sent the message,"
            " which is not sent again."
        },
    )
    requested_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)
    sender = fields.String(
        required=True, allow_none=True, metadata={"description": "The sender that took it."}
    )
    problem = fields.String(
        required=True, allow_none=True, metadata={"description": "What is wrong, and what to do."}
    )
    note = fields.String(
        required=True, allow_none=True, metadata={"description": "Why there is no request to show."}
    )
    request = fields.Nested(CheckedRequest, required=True, allow_none=True)
    answer = fields.Nested(CheckedAnswer, required=True, allow_none=True)
    reading = fields.Nested(CheckReading, required=True, allow_none=True)
