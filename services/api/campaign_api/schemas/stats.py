"""Numbers for dashboards."""

from marshmallow import Schema, fields, validate

from campaign_api.schemas.fields import Moment
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import Status

StateCounts = Schema.from_dict(
    {state.value: fields.Integer(required=True) for state in CampaignState}, name="StateCounts"
)
"""Campaigns by state."""

MessageTotals = Schema.from_dict(
    {
        "total": fields.Integer(
            required=True, metadata={"description": "Recipients of all started campaigns."}
        ),
        **{
            status.word: fields.Integer(required=True)
            for status in Status
            if status is not Status.NOT_STARTED
        },
        "pending": fields.Integer(required=True),
    },
    name="MessageTotals",
)
"""Messages over all campaigns: total = the final statuses + pending."""


class ActiveCampaign(Schema):
    """A campaign that runs or is paused."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf([CampaignState.RUNNING.value, CampaignState.PAUSED.value]),
    )
    started_at = Moment(required=True)
    total = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    rate = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Final outcomes per second over the last minute; null at first."},
    )
    lag = fields.Integer(
        required=True, metadata={"description": "Messages published and without outcome."}
    )


class KnownProvider(Schema):
    """A provider that a sender knows, or whose messages it has met without knowing it."""

    name = fields.String(required=True)
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "What keeps the sender from sending; null where nothing does. Keys"
            " without the scope admin are not told why."
        },
    )


class LiveSender(Schema):
    """A sender that gave a sign of itself in the last 15 seconds."""

    name = fields.String(required=True)
    seen_at = Moment(required=True)
    partitions = fields.List(fields.Integer(), required=True)
    shards = fields.List(fields.Integer(), required=True)
    providers = fields.List(
        fields.Nested(KnownProvider),
        required=True,
        allow_none=True,
        metadata={"description": "Null for a sender of 0.2.0, which does not say."},
    )


class Stats(Schema):
    """Everything a dashboard shows; the sums over all campaigns may be 5 seconds old."""

    campaigns = fields.Nested(StateCounts, required=True)
    messages = fields.Nested(MessageTotals, required=True)
    active = fields.List(
        fields.Nested(ActiveCampaign),
        required=True,
        metadata={"description": "The 100 campaigns that started last."},
    )
    senders = fields.List(fields.Nested(LiveSender), required=True)
    lag = fields.Integer(required=True, metadata={"description": "Lag of the active campaigns."})
