"""Progress of a campaign in responses."""

from marshmallow import Schema, fields, validate

from campaign_api.schemas.campaigns.pace import max_rate_answered, priority_answered
from campaign_api.schemas.fields import Amount, Moment
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.limits.rest import RestReason
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.stored_receipt import ReceiptState

Counts = Schema.from_dict(
    {
        status.word: fields.Integer(required=True)
        for status in Status
        if status is not Status.NOT_STARTED
    },
    name="Counts",
)
"""Messages by status."""


ReceiptTotals = Schema.from_dict(
    {
        **{
            rank.word: fields.Integer(required=True, metadata={"description": description})
            for rank, description in (
                (ReceiptRank.NONE, "Sent messages without a receipt, whose time is not over."),
                (ReceiptState.NO_RECEIPT, "No final report came in time; one may still come."),
                (ReceiptRank.ACCEPTED, "The provider has it, and has not passed it on."),
                (ReceiptRank.SENT, "The provider has passed it on towards the phone."),
                (ReceiptRank.UNDELIVERED, "It did not reach the phone."),
                (ReceiptRank.DELIVERED, "It reached the phone."),
                (ReceiptRank.READ, "The person has opened it."),
            )
        },
        "open": fields.Integer(
            required=True,
            metadata={"description": "Receipts of messages that are not recorded as sent, or yet."},
        ),
        "otherwise": fields.Integer(
            required=True,
            metadata={"description": "Receipts of messages that ended other than sent."},
        ),
    },
    name="ReceiptTotals",
)
"""Receipts by their rank: `none`, `no_receipt` and the ranks add up to the sent messages."""


class Balance(Schema):
    """Totals of the recipients: recipients = final + pending."""

    recipients = fields.Integer(required=True)
    final = fields.Integer(
        required=True, metadata={"description": "Recipients with a final outcome."}
    )
    pending = fields.Integer(required=True)
    consistent = fields.Boolean(required=True)


class Spent(Schema):
    """The cost of accepted messages in one currency."""

    currency = fields.String(required=True)
    segments = fields.Integer(required=True)
    amount = Amount(required=True)


class BudgetProgress(Schema):
    """The budget of a campaign: amount = taken + left, unless more is taken than a lower one.

    Of one that was lost in a roll-back, nothing is left, and the rest is null.
    """

    currency = fields.String(
        required=True, allow_none=True, metadata={"description": "null: the budget was lost."}
    )
    amount = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "null: the budget was lost in a roll-back; give it again."},
    )
    taken = Amount(
        required=True,
        allow_none=True,
        metadata={
            "description": "Cost of the sends that started, and what senders hold;"
            " null: the budget was lost."
        },
    )
    left = Amount(required=True)


class Pause(Schema):
    """A pause: by an API key, or by a sender when the budget was used up."""

    at = Moment(required=True)
    actor = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)


class Progress(Schema):
    """The movement of a campaign."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CampaignState)))
    counts = fields.Nested(Counts, required=True)
    balance = fields.Nested(Balance, required=True)
    possibly_sent = fields.Integer(
        required=True, metadata={"description": "Messages that were possibly sent at any time."}
    )
    receipts = fields.Nested(ReceiptTotals, required=True)
    spent = fields.List(
        fields.Nested(Spent),
        required=True,
        metadata={"description": "Cost of the accepted messages whose provider had a price."},
    )
    budget = fields.Nested(
        BudgetProgress,
        required=True,
        allow_none=True,
        metadata={"description": "null: the campaign has no budget."},
    )
    paused = fields.Nested(
        Pause,
        required=True,
        allow_none=True,
        metadata={"description": "null: the campaign is not paused."},
    )
    rests_until = Moment(
        required=True,
        allow_none=True,
        metadata={
            "description": "End of the rest of the provider, or of all providers of the route;"
            " null: it does not rest, or the campaign does not run."
        },
    )
    rest_reason = fields.String(
        required=True, allow_none=True, validate=validate.OneOf([*RestReason, None])
    )
    possible_duplicates = fields.Integer(
        required=True,
        metadata={
            "description": "Sends repeated after a doubt, to providers that are not idempotent or"
            " to others than that of the doubt, that were accepted or may have been."
        },
    )
    max_rate = max_rate_answered()
    priority = priority_answered()
    rate = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Final outcomes per second, over the last minute."},
    )
    estimated_finish = Moment(required=True, allow_none=True)
    lag = fields.Integer(
        required=True, metadata={"description": "Messages published and without an outcome."}
    )


class ProgressSample(Schema):
    """The numbers of a campaign at a point of its run: total = the final counts + pending."""

    at = Moment(required=True)
    counts = fields.Nested(Counts, required=True)
    pending = fields.Integer(required=True)
    lag = fields.Integer(
        required=True, metadata={"description": "Messages published and without an outcome."}
    )
    rate = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Final outcomes per second since the sample before; null: none."},
    )


class ProgressSamples(Schema):
    """Samples of a campaign, the oldest first: at most 400; none before its start.

    The first is its start. The last is its end, or how it is now.
    """

    samples = fields.List(fields.Nested(ProgressSample), required=True)
