"""Counts of a campaign's messages by error code, in responses."""

from marshmallow import Schema, fields, validate

from campaign_api.messages.error_counts import UNDELIVERED, WITH_CODES
from campaign_api.schemas.fields import Moment
from campaign_api.web.http.paging import Cursor

_WORDS = [status.word for status in WITH_CODES]


class RetryOfError(Schema):
    """A request to retry the messages of an error code."""

    status = fields.String(required=True, validate=validate.OneOf(_WORDS))
    error_code = fields.String(required=True)


class RetryOfReceipt(Schema):
    """A request to retry the messages of a code of receipts."""

    receipt = fields.String(required=True, validate=validate.Equal(UNDELIVERED))
    code = fields.String(required=True)


class ErrorCount(Schema):
    """The messages with one status and one error code."""

    status = fields.String(required=True, validate=validate.OneOf(_WORDS))
    error_code = fields.String(
        required=True, allow_none=True, metadata={"description": "null: without a code."}
    )
    messages = fields.Integer(required=True)
    last_at = Moment(required=True, metadata={"description": "Time of the newest outcome."})
    retry = fields.Nested(
        RetryOfError,
        required=True,
        allow_none=True,
        metadata={
            "description": "Body for POST …/retry that sends these again. null: they cannot be"
            " retried, or not apart from others of their status."
        },
    )


class UndeliveredCount(Schema):
    """The sent messages that did not reach the phone, by the code of the receipt."""

    code = fields.String(
        required=True, allow_none=True, metadata={"description": "null: without a code."}
    )
    messages = fields.Integer(required=True)
    last_at = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Newest time that the provider has reported; null: none."},
    )
    retry = fields.Nested(
        RetryOfReceipt,
        required=True,
        allow_none=True,
        metadata={"description": "Body for POST …/retry that sends these again. null: no code."},
    )


ErrorTotals = Schema.from_dict(
    {word: fields.Integer(required=True) for word in (*_WORDS, UNDELIVERED)}, name="ErrorTotals"
)
"""Messages of the whole campaign by status; `undelivered` is a part of the sent ones."""


class CampaignErrors(Schema):
    """Messages by status and code, the most frequent first; at most 100 codes of each kind.

    A page counts up to 200,000 recipients, which lie evenly over the list. The pages of a campaign
    add up to all of its messages.
    """

    errors = fields.List(fields.Nested(ErrorCount), required=True)
    errors_omitted = fields.Integer(
        required=True, metadata={"description": "Messages of this page with further codes."}
    )
    undelivered = fields.List(fields.Nested(UndeliveredCount), required=True)
    undelivered_omitted = fields.Integer(
        required=True, metadata={"description": "Messages of this page with further codes."}
    )
    totals = fields.Nested(
        ErrorTotals,
        required=True,
        metadata={"description": "Exact numbers of the whole campaign, by its counters."},
    )
    complete = fields.Boolean(
        required=True, metadata={"description": "This page has counted all messages."}
    )
    share = fields.Float(
        required=True,
        metadata={"description": "Part of the recipients that this page has counted; 1: all."},
    )
    next_cursor = fields.String(required=True, allow_none=True)


class ErrorParameters(Schema):
    """The part of a campaign that is counted."""

    cursor = Cursor(int)
