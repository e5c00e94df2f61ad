"""Requests and responses of the actions on a campaign."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from campaign_api.campaigns.message_retry import MessagesToRetry
from campaign_api.schemas.campaigns.campaign import Campaign
from campaign_api.schemas.campaigns.content import message_body, message_parts
from campaign_api.schemas.campaigns.start_time import StartTime, time_zone_asked
from campaign_api.schemas.fields import Integer, error_code
from campaign_api.schemas.fields import error_code as receipt_code
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.sms_segments import Encoding
from campaign_common.store.campaigns.transitions import RETRYABLE

DEFAULT_PREVIEW = 10
LONGEST_PREVIEW = 100

UNDELIVERED = ReceiptRank.UNDELIVERED.word

_RETRYABLE = [status.word for status in sorted(RETRYABLE)]


class EmptyBody(Schema):
    """An empty body; it may be left out."""


class Schedule(Schema):
    """The start time of a campaign."""

    scheduled_at = StartTime(required=True)
    time_zone = time_zone_asked()


class Retry(Schema):
    """Filter of the messages to retry: by status, or by receipt."""

    status = fields.String(
        validate=validate.OneOf(_RETRYABLE, error=f"must be one of {', '.join(_RETRYABLE)}"),
    )
    error_code = error_code()
    receipt = fields.String(
        validate=validate.Equal(UNDELIVERED, error=f"must be {UNDELIVERED}"),
        metadata={"description": "In place of a status: sent messages with this receipt."},
    )
    code = receipt_code()

    @validates_schema
    def _require_one(self, data: Mapping[str, Any], **_: object) -> None:
        if ("status" in data) == ("receipt" in data):
            raise ValidationError("must be given, or receipt in its place", "status")
        for name, beside in (("error_code", "status"), ("code", "receipt")):
            if name in data and beside not in data:
                raise ValidationError(f"goes with {beside} only", name)


class RetriedCampaign(Campaign):
    """A campaign of which messages are tried again."""

    matched = fields.Integer(
        required=True,
        metadata={
            "description": "Messages of the status, or with the receipt, before the filter by"
            " code. 0: no change."
        },
    )


class Preview(Schema):
    """Number of messages in a preview."""

    limit = Integer(
        load_default=DEFAULT_PREVIEW,
        validate=validate.Range(
            1, LONGEST_PREVIEW, error=f"must be an integer from 1 to {LONGEST_PREVIEW}"
        ),
    )


class PreviewedMessage(Schema):
    """A message as it would be sent."""

    seq = fields.Integer(required=True)
    phone = fields.String(required=True)
    body = message_body()
    parts = message_parts()
    characters = fields.Integer(required=True)
    encoding = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*Encoding, None]),
        metadata={"description": "null: a template of the provider is no short message."},
    )
    segments = fields.Integer(
        required=True, metadata={"description": "SMS segments; 1 for a template of the provider."}
    )


class PreviewResponse(Schema):
    """The messages of the first recipients."""

    messages = fields.List(fields.Nested(PreviewedMessage), required=True)


def messages_to_retry(body: Mapping[str, Any]) -> MessagesToRetry:
    """Return what a valid `Retry` asks for."""
    if "receipt" in body:
        return MessagesToRetry(None, body.get("code"))
    return MessagesToRetry(Status[body["status"].upper()], body.get("error_code"))
