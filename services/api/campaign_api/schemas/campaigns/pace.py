"""Rate and priority of a campaign in requests and responses."""

from marshmallow import fields, validate

from campaign_api.schemas.fields import Integer
from campaign_api.schemas.provider_limits import AmountField
from campaign_common.domain.limits.campaign_pace import HIGHEST_PRIORITY, LOWEST_PRIORITY

MAX_RATE_DESCRIBED = (
    "Messages that start in a second over all senders, at most."
    " null: as many as the provider takes."
)

PRIORITY_DESCRIBED = (
    "Weight of the campaign's share of its provider beside other campaigns; 10 is most."
)

PRIORITIES = f"must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}"


def max_rate_asked() -> AmountField:
    """Return the field of a request."""
    return AmountField(allow_none=True, metadata={"description": MAX_RATE_DESCRIBED})


def max_rate_answered() -> AmountField:
    """Return the field of a response."""
    return AmountField(required=True, allow_none=True, metadata={"description": MAX_RATE_DESCRIBED})


def priority_asked() -> Integer:
    """Return the field of a request."""
    return Integer(
        validate=validate.Range(LOWEST_PRIORITY, HIGHEST_PRIORITY, error=PRIORITIES),
        metadata={"description": PRIORITY_DESCRIBED},
    )


def priority_answered() -> fields.Integer:
    """Return the field of a response."""
    return fields.Integer(required=True, metadata={"description": PRIORITY_DESCRIBED})
