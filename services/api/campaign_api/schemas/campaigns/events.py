"""Events of a campaign in responses."""

from marshmallow import Schema, fields, validate

from campaign_api.campaigns.history import WORDS
from campaign_api.schemas.fields import Moment
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.domain.campaign import CampaignState


def _state() -> fields.String:
    return fields.String(
        required=True, allow_none=True, validate=validate.OneOf([*CampaignState, None])
    )


CampaignEvent = Schema.from_dict(
    {
        "id": fields.Integer(required=True),
        "at": Moment(required=True),
        "actor": fields.String(
            required=True,
            metadata={"description": "Name of an API key, of a scheduler or of a sender."},
        ),
        "type": fields.String(required=True, validate=validate.OneOf(WORDS)),
        "from": _state(),
        "to": _state(),
        "reason": fields.String(required=True, allow_none=True),
    },
    name="CampaignEvent",
)
"""An event; `from` is null for its creation, `to` for its deletion."""


class EventPage(Schema):
    """Events, the oldest first."""

    events = fields.List(fields.Nested(CampaignEvent), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EventPageParameters(PageParameters):
    """Page of events."""

    cursor = Cursor(int)
