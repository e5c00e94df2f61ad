"""Events in responses: those of one campaign, and all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from marshmallow import Schema, fields, post_load, validate

from campaign_api.audit.event_log import SUBJECTS, CursorKey
from campaign_api.campaigns.history import WORDS
from campaign_api.schemas.fields import Moment, Text, length
from campaign_api.times import naive_utc
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.domain.campaign import CampaignState
from campaign_common.store.audit.sources import KINDS


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


class LoggedEvent(Schema):
    """Something that somebody has done."""

    id = fields.String(required=True)
    at = Moment(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    actor = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Name of an API key, of a scheduler or of a sender; null: not known."
        },
    )
    subject = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "What it is about: the id of a campaign, a list, an import or an API"
            " key, the name of a provider or a route, or a person's number. null: a person who"
            " was erased."
        },
    )
    details = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "More about it, by its kind."},
    )


class LoggedEventPage(Schema):
    """Events of all campaigns, providers, people and keys, the newest first."""

    events = fields.List(fields.Nested(LoggedEvent), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class WantedEvents(NamedTuple):
    """The events that a request asks for; times are UTC, naive."""

    kind: str | None
    actor: str | None
    since: datetime | None
    before: datetime | None
    after: CursorKey | None
    limit: int


class LoggedEventParameters(PageParameters):
    """The events that are wanted."""

    kind = fields.String(
        validate=validate.OneOf([*SUBJECTS, *KINDS]),
        metadata={"description": "A kind of events, or the word before the dot: all of those."},
    )
    actor = Text(validate=length(64), metadata={"description": "Only what this actor has done."})
    since = Moment(data_key="from", metadata={"description": "Only events at this time or later."})
    before = Moment(data_key="to", metadata={"description": "Only events before this time."})
    cursor = Cursor(int, int, str)

    @post_load
    def _make(self, data: Mapping[str, Any], **_: object) -> WantedEvents:
        return WantedEvents(
            kind=data.get("kind"),
            actor=data.get("actor"),
            since=naive_utc(data.get("since")),
            before=naive_utc(data.get("before")),
            after=data.get("cursor"),
            limit=data["limit"],
        )
