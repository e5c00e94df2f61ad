"""Result of a dry run."""

from marshmallow import Schema, fields

from campaign_api.schemas.fields import Amount
from campaign_common.domain.sms_segments import Encoding

LengthStep = Schema.from_dict(
    {
        "from": fields.Integer(required=True),
        "to": fields.Integer(
            required=True, allow_none=True, metadata={"description": "null: no upper bound."}
        ),
        "messages": fields.Integer(required=True),
    },
    name="LengthStep",
)
"""Number of messages whose length in characters is within a step."""


class Lengths(Schema):
    """Lengths of the rendered messages in characters."""

    shortest = fields.Integer(required=True)
    longest = fields.Integer(required=True)
    mean = fields.Float(required=True)
    distribution = fields.List(fields.Nested(LengthStep), required=True)


class Cost(Schema):
    """SMS segments of the messages of one encoding."""

    messages = fields.Integer(required=True)
    segments = fields.Integer(required=True)


Encodings = Schema.from_dict(
    {encoding.value: fields.Nested(Cost, required=True) for encoding in Encoding},
    name="Encodings",
)
"""Messages by the alphabet that they need."""


class Ucs2Character(Schema):
    """A character that is the first in its messages to force UCS-2."""

    character = fields.String(required=True)
    code_point = fields.String(required=True)
    messages = fields.Integer(required=True)


class MissingValue(Schema):
    """Number of recipients without a value for a placeholder."""

    placeholder = fields.String(required=True)
    messages = fields.Integer(required=True)


class RecentlyMessaged(Schema):
    """Number of recipients who were sent a message by a campaign of the last days."""

    recipients = fields.Integer(required=True)
    days = fields.Integer(required=True)


class PrefixCost(Schema):
    """Cost of the messages to numbers of one prefix."""

    prefix = fields.String(
        required=True, allow_none=True, metadata={"description": "null: all other numbers."}
    )
    per_segment = Amount(required=True)
    messages = fields.Integer(required=True)
    segments = fields.Integer(required=True)
    amount = Amount(required=True)


class EstimatedCost(Schema):
    """Cost of the messages by the provider's price, each sent once."""

    currency = fields.String(required=True)
    amount = Amount(required=True)
    budget = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "null: there is no budget, or it was lost in a roll-back."},
    )
    warning = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the budget does not cover it; null where it does."},
    )
    by_prefix = fields.List(fields.Nested(PrefixCost), required=True)


class ProviderFit(Schema):
    """Messages that the campaign's provider would not take."""

    name = fields.String(required=True)
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it would take none of them; null where it takes them."},
    )
    max_length = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Characters of the longest text; null: no limit is configured."},
    )
    too_long = fields.Integer(
        required=True,
        metadata={"description": "Texts that are longer: they are not sent and end as failed."},
    )


class SuppressionReason(Schema):
    """Recipients who are suppressed by a scope, for a reason."""

    scope = fields.String(required=True)
    reason = fields.String(required=True)
    recipients = fields.Integer(required=True)


class SuppressedRecipients(Schema):
    """Recipients who would not be sent the message at present, each counted once."""

    recipients = fields.Integer(required=True)
    erased = fields.Integer(
        required=True,
        metadata={"description": "Recipients beside these who were erased: nothing is sent."},
    )
    by_reason = fields.List(fields.Nested(SuppressionReason), required=True)


class WaysToUnsubscribe(Schema):
    """Ways in which recipients can say that they want no more messages."""

    link = fields.Boolean(
        required=True, metadata={"description": "Whether messages have a link to unsubscribe."}
    )
    warning = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why recipients of texts may have no way; null: they have one."},
    )


class DryRun(Schema):
    """Dry run of a campaign."""

    recipients = fields.Integer(required=True, metadata={"description": "Rendered recipients."})
    complete = fields.Boolean(
        required=True,
        metadata={"description": "false: the time limit was reached before the end of the list."},
    )
    characters = fields.Nested(Lengths, required=True)
    segments = fields.Integer(required=True)
    max_segments = fields.Integer(required=True)
    encodings = fields.Nested(Encodings, required=True)
    ucs2_characters = fields.List(fields.Nested(Ucs2Character), required=True)
    missing_values = fields.List(fields.Nested(MissingValue), required=True)
    cost = fields.Nested(
        EstimatedCost,
        required=True,
        allow_none=True,
        metadata={"description": "null: the provider has no price."},
    )
    recently_messaged = fields.Nested(RecentlyMessaged, required=True)
    suppressed = fields.Nested(SuppressedRecipients, required=True)
    unsubscribe = fields.Nested(WaysToUnsubscribe, required=True)
    provider = fields.Nested(ProviderFit, required=True)
    rate = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Best rate of the provider's recent campaigns, per second."},
    )
    estimated_seconds = fields.Float(required=True, allow_none=True)
