"""How far a campaign has come, as answers say it."""

from marshmallow import Schema, fields, validate

from campaign_api.schemas.fields import Moment
from campaign_common.campaign import CampaignState, Delivery
from campaign_common.message import Status

Counts = Schema.from_dict(
    {
        status.word: fields.Integer(required=True)
        for status in Status
        if status is not Status.NOT_STARTED
    },
    name="Counts",
)
"""Messages by status."""


class ProviderState(Schema):
    """The provider of a campaign."""

    name = fields.String(required=True)
    left_alone_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "While its circuit breaker is open."},
    )


class ListTotals(Schema):
    """How the data rows of the campaign's list ended."""

    id = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    rejected = fields.Integer(required=True)


class Progress(Schema):
    """A campaign and how far it has come: total = the final counts + to_do."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CampaignState)))
    failure_reason = fields.String(required=True, allow_none=True)
    scheduled_at = Moment(required=True, allow_none=True)
    started_at = Moment(required=True, allow_none=True)
    finished_at = Moment(required=True, allow_none=True)
    total = fields.Integer(required=True)
    counts = fields.Nested(Counts, required=True)
    to_do = fields.Integer(required=True)
    suspects = fields.Integer(
        required=True, metadata={"description": "Calls that were ever in doubt."}
    )
    delivery = fields.String(required=True, validate=validate.OneOf(list(Delivery)))
    provider = fields.Nested(ProviderState, required=True)
    rate = fields.Float(
        required=True, allow_none=True, metadata={"description": "Messages ended per second."}
    )
    estimated_finish = Moment(required=True, allow_none=True)
    list = fields.Nested(ListTotals, required=True)
