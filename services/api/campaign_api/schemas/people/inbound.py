"""Inbound messages in responses, and their filters in requests."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from campaign_api.schemas.fields import Moment, Text, whole
from campaign_api.schemas.message import ShownReceipt
from campaign_api.schemas.phone import PhoneNumber
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.message import Status
from campaign_common.store.inbound.inbound_listing import InboundFilter

PROVIDER_PATTERN = "^[a-z0-9_-]{1,32}$"

WORDS = [kind.value for kind in KeywordKind]


STATUSES = [status.word for status in (Status.SENT, Status.FAILED, Status.EXPIRED, Status.UNKNOWN)]


class AnswerSchema(Schema):
    """The answer to a keyword: a single message outside of campaigns, kept for a day."""

    status = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([*STATUSES, None]),
        metadata={"description": "null: it is not known, or nothing was sent yet."},
    )
    provider_message_id = fields.String(required=True, allow_none=True)
    error_code = fields.String(required=True, allow_none=True)
    requested_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)
    receipt = fields.Nested(
        ShownReceipt,
        required=True,
        allow_none=True,
        metadata={"description": "null: the provider has reported nothing."},
    )


class InboundMessageSchema(Schema):
    """A message that a person has sent."""

    id = fields.Integer(required=True)
    provider = fields.String(required=True)
    provider_message_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null: the gateway gives none."},
    )
    phone = fields.String(
        required=True,
        metadata={"description": "The person: digits, or an address of another kind."},
    )
    recipient = fields.String(
        required=True, allow_none=True, metadata={"description": "Our number, written as `phone`."}
    )
    text = fields.String(required=True)
    keyword = fields.String(required=True, allow_none=True, validate=validate.OneOf([*WORDS, None]))
    unsure = fields.Boolean(
        required=True,
        metadata={"description": "The text has other words beside the keyword."},
    )
    reported_at = Moment(
        required=True, allow_none=True, metadata={"description": "Time of the provider, if any."}
    )
    received_at = Moment(required=True)
    answer = fields.Nested(
        AnswerSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: there was none, or it is not kept any more."},
    )


class InboundPageSchema(Schema):
    """A page of inbound messages, the newest first."""

    inbound = fields.List(fields.Nested(InboundMessageSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class InboundPageParameters(PageParameters):
    """The inbound messages that are wanted."""

    phone = PhoneNumber(metadata={"description": "Only messages of this person."})
    unsure = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Only messages that a person has to read, or only others."},
    )
    keyword = fields.String(validate=validate.OneOf(WORDS))
    provider = Text(
        validate=validate.Regexp(whole(PROVIDER_PATTERN), error="must be the name of a provider"),
        metadata={"pattern": PROVIDER_PATTERN},
    )
    since = Moment(metadata={"description": "Only messages that came at this time or later."})
    cursor = Cursor(int, int)

    @post_load
    def _make(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        keyword = data.get("keyword")
        wanted = InboundFilter(
            phone=data.get("phone"),
            unsure=data.get("unsure"),
            keyword=None if keyword is None else KeywordKind(keyword),
            provider=data.get("provider"),
            since=_naive(data.get("since")),
        )
        return {"wanted": wanted, "after": data.get("cursor"), "limit": data["limit"]}


def _naive(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None)
