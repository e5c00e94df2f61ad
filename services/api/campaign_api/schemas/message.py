"""Messages in responses, and their filters in requests."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from campaign_api.messages.message_pages import MessageFilter, PagePosition
from campaign_api.schemas.fields import Moment, error_code
from campaign_api.schemas.phone import PhoneNumber
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState
from campaign_common.store.messages.message_listing import ShownRank

WORDS = [status.word for status in Status]

RANKS = [ReceiptState.NO_RECEIPT.word, *(rank.word for rank in ReceiptRank if rank)]


def _shown_rank(word: str) -> ShownRank:
    if word == ReceiptState.NO_RECEIPT.word:
        return ReceiptState.NO_RECEIPT
    return ReceiptRank.named(word)


class ShownReceipt(Schema):
    """The report of a provider about a message that it has taken: the furthest stage."""

    rank = fields.String(
        required=True,
        validate=validate.OneOf(RANKS),
        metadata={"description": "no_receipt: no final report came in time; one may still come."},
    )
    code = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The provider's word for the reason."},
    )
    at = Moment(
        required=True, allow_none=True, metadata={"description": "Time of the provider, if any."}
    )


class Outcome(Schema):
    """The outcome of a message."""

    status = fields.String(required=True, validate=validate.OneOf(WORDS))
    attempts = fields.Integer(required=True)
    provider_message_id = fields.String(required=True, allow_none=True)
    error_code = fields.String(required=True, allow_none=True)
    provider = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "On a route, the provider of the outcome, or of the next try where it is"
            " chosen. null: the one that the campaign names, or none."
        },
    )
    at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Time of the outcome; null while there is none."},
    )
    receipt = fields.Nested(
        ShownReceipt,
        required=True,
        allow_none=True,
        metadata={"description": "null: the provider has reported nothing."},
    )


class CampaignMessage(Outcome):
    """A message of a campaign; `seq` numbers its recipient, with gaps."""

    seq = fields.Integer(required=True)
    phone = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null after an erasure, or after the list was deleted."},
    )
    name = fields.String(required=True, allow_none=True)


class CampaignMessagePage(Schema):
    """Messages of a campaign in the order of its list; fewer than `limit` is not the end."""

    messages = fields.List(fields.Nested(CampaignMessage), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MessageFilterParameters(Schema):
    """Filter of a campaign's messages."""

    status = fields.String(validate=validate.OneOf(WORDS))
    error_code = error_code()
    receipt = fields.String(
        validate=validate.OneOf(RANKS), metadata={"description": "Rank of the receipt."}
    )

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> dict[str, Any]:
        others = dict(data)
        word = others.pop("status", None)
        status = None if word is None else Status[word.upper()]
        rank = others.pop("receipt", None)
        receipt = None if rank is None else _shown_rank(rank)
        wanted = MessageFilter(status, others.pop("error_code", None), receipt)
        return {"wanted": wanted, **others}


class CampaignMessageParameters(MessageFilterParameters, PageParameters):
    """Filter and page of a campaign's messages."""

    phone = PhoneNumber(metadata={"description": "Only the message to this number."})
    cursor = Cursor(int, int, int)

    @post_load
    def _place(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**data, "cursor": PagePosition(*data.get("cursor", ()))}


class PersonMessage(Outcome):
    """A message to one person by a campaign."""

    campaign_id = fields.Integer(required=True)
    campaign_name = fields.String(required=True)
    started_at = Moment(required=True)
    seq = fields.Integer(required=True)


class PersonMessagePage(Schema):
    """Messages to one person, the newest campaign first."""

    messages = fields.List(fields.Nested(PersonMessage), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PersonMessageParameters(PageParameters):
    """The person whose messages are listed."""

    phone = PhoneNumber(required=True)
    cursor = Cursor(int, int)
