"""Campaigns in requests and responses."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

from campaign_api.schemas.campaigns.content import (
    CONTENT_DESCRIBED,
    ContentAnswered,
    ContentBody,
    originator_answered,
    originator_asked,
)
from campaign_api.schemas.campaigns.create_campaign import LONGEST_TEMPLATE
from campaign_api.schemas.campaigns.pace import (
    max_rate_answered,
    max_rate_asked,
    priority_answered,
    priority_asked,
)
from campaign_api.schemas.campaigns.progress import Counts, ReceiptTotals
from campaign_api.schemas.campaigns.start_time import (
    StartTime,
    time_zone_answered,
    time_zone_asked,
)
from campaign_api.schemas.fields import (
    Amount,
    Integer,
    Moment,
    PositiveAmount,
    Text,
    length,
    whole,
)
from campaign_api.times import naive_utc
from campaign_api.web.http import paging
from campaign_common.domain.campaign import CampaignId, CampaignState, Delivery
from campaign_common.domain.content.budget import LONGEST_BUDGET
from campaign_common.domain.content.campaign_content import TextContent
from campaign_common.domain.content.price import DECIMALS
from campaign_common.planning.requests import NewCampaign
from campaign_common.store.campaigns.listing import CampaignFilter, CampaignPosition

LONGEST_EXPIRY = 2**31 - 1
"""Seconds: 68 years."""

LARGEST_ID = 2**63 - 1

LONGEST_PROVIDER = 32
"""Characters of a provider's name in the configuration."""

TOPIC_PATTERN = "^[A-Za-z0-9_.-]{1,64}$"

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as the database gives times


def _name(*, required: bool = False) -> Text:
    return Text(required=required, validate=length(255))


def _template() -> Text:
    described = (
        "The message, with {name}, {phone}, {any column} and {column|default}. It stands for"
        " `content` of kind text; a new campaign has one of the two."
    )
    return Text(
        validate=length(LONGEST_TEMPLATE),
        metadata={"description": described},
    )


def _list_id(*, required: bool = False) -> Integer:
    return Integer(
        required=required,
        validate=validate.Range(1, LARGEST_ID, error=f"must be from 1 to {LARGEST_ID}"),
    )


class CampaignChange(Schema):
    """Changes to a campaign before its start; max_rate, priority and budget may change later."""

    name = _name()
    template = _template()
    content = fields.Nested(ContentBody, metadata={"description": CONTENT_DESCRIBED})
    originator = originator_asked()
    recipient_list_id = _list_id()
    scheduled_at = StartTime()
    time_zone = time_zone_asked(allow_none=True)
    expires_after = Integer(
        allow_none=True,
        validate=validate.Range(1, LONGEST_EXPIRY, error=f"must be from 1 to {LONGEST_EXPIRY}"),
        metadata={"description": "Seconds from the start after which nothing is sent."},
    )
    delivery = fields.Enum(
        Delivery,
        by_value=True,
        error_messages={"unknown": f"must be one of {', '.join(Delivery)}"},
    )
    provider = fields.String(
        validate=length(LONGEST_PROVIDER),
        metadata={"description": "The name of a configured provider, or of a route."},
    )
    max_rate = max_rate_asked()
    priority = priority_asked()
    topic = Text(
        allow_none=True,
        validate=validate.Regexp(
            whole(TOPIC_PATTERN), error="must have 1 to 64 letters, digits, _, . and -"
        ),
        metadata={
            "pattern": TOPIC_PATTERN,
            "description": "Subject of its messages: people with a suppression of topic:NAME are"
            " not sent them.",
        },
    )
    budget = PositiveAmount(
        LONGEST_BUDGET,
        DECIMALS,
        allow_none=True,
        metadata={
            "description": "Amount that its sends may cost, in the currency of the provider's"
            " price. A campaign whose budget is used up is paused."
        },
    )

    @validates_schema
    def _require_one_content(self, data: Mapping[str, Any], **_: object) -> None:
        if "template" in data and "content" in data:
            raise ValidationError("must not be given beside content", "template")

    @post_load
    def _make_content(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        if "template" in data:
            data["template"] = TextContent(data["template"])
        return data


class NewCampaignBody(CampaignChange):
    """A campaign that is to be made: a draft without scheduled_at."""

    name = _name(required=True)
    recipient_list_id = _list_id(required=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_content(self, _: object, given: object, **__: object) -> None:
        # A body that is no object has been refused as that.
        if isinstance(given, dict) and "template" not in given and "content" not in given:
            raise ValidationError("is missing", "template")

    @post_load
    def _make_content(self, data: dict[str, Any], **_: object) -> NewCampaign:
        text = data.pop("template", None)
        content = data.pop("content", None) or TextContent(text)
        return NewCampaign(content=content, originator=data.pop("from", None), **data)


class ProviderState(Schema):
    """The provider, or the route, of a campaign."""

    name = fields.String(required=True)
    circuit_open_until = Moment(
        required=True,
        allow_none=True,
        metadata={
            "description": "End of the open state of its circuit breaker; null while it is closed."
        },
    )


class ListTotals(Schema):
    """Row counts of the campaign's list."""

    id = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    rejected = fields.Integer(required=True)


class CampaignSummary(Schema):
    """A campaign among others: total = the final counts + pending."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CampaignState)))
    failure_reason = fields.String(required=True, allow_none=True)
    recipient_list_id = fields.Integer(required=True)
    created_at = Moment(required=True)
    scheduled_at = Moment(required=True, allow_none=True)
    started_at = Moment(required=True, allow_none=True)
    finished_at = Moment(required=True, allow_none=True)
    expires_after = fields.Integer(required=True, allow_none=True)
    expires_at = Moment(required=True, allow_none=True)
    delivery = fields.String(required=True, validate=validate.OneOf(list(Delivery)))
    provider = fields.Nested(ProviderState, required=True)
    max_rate = max_rate_answered()
    priority = priority_answered()
    topic = fields.String(required=True, allow_none=True)
    time_zone = time_zone_answered()
    total = fields.Integer(required=True)
    counts = fields.Nested(Counts, required=True)
    pending = fields.Integer(required=True)


class Campaign(CampaignSummary):
    """A campaign and its progress."""

    template = fields.String(
        required=True, allow_none=True, metadata={"description": "null: content of another kind."}
    )
    content = fields.Nested(ContentAnswered, required=True)
    originator = originator_answered()
    budget = Amount(
        required=True,
        allow_none=True,
        metadata={
            "description": "Amount that its sends may cost; null: no budget, or one that was lost"
            " in a roll-back, which its progress shows."
        },
    )
    budget_currency = fields.String(required=True, allow_none=True)
    possibly_sent = fields.Integer(
        required=True, metadata={"description": "Messages that were possibly sent at any time."}
    )
    receipts = fields.Nested(ReceiptTotals, required=True)
    rate = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Final outcomes per second, over the run so far."},
    )
    estimated_finish = Moment(required=True, allow_none=True)
    list = fields.Nested(ListTotals, required=True)


class CampaignPage(Schema):
    """Campaigns, the newest first."""

    campaigns = fields.List(fields.Nested(CampaignSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class _CampaignCursor(paging.Cursor):
    """Place of the campaign after which a page begins: microseconds since 1970 and id."""

    def __init__(self) -> None:
        super().__init__(int, int)

    def _deserialize(self, value: object, *_: object, **__: object) -> CampaignPosition:  # type: ignore[override]
        microseconds, campaign_id = (int(part) for part in super()._deserialize(value))
        try:
            started = EPOCH + timedelta(microseconds=microseconds)
            return CampaignPosition(started, CampaignId(campaign_id))
        except OverflowError as error:
            raise ValidationError(paging.NOT_A_CURSOR) from error


def cursor_key(position: CampaignPosition) -> paging.Key:
    """Write a position as the key of a cursor."""
    return (position.created_at - EPOCH) // timedelta(microseconds=1), position.id


class CampaignPageParameters(paging.PageParameters):
    """Filter and page of campaigns."""

    cursor = _CampaignCursor()
    state = fields.Enum(
        CampaignState,
        by_value=True,
        error_messages={"unknown": f"must be one of {', '.join(CampaignState)}"},
    )
    name = Text(
        validate=length(255), metadata={"description": "Part of the name, case-insensitive."}
    )
    since = Moment(
        data_key="from",
        metadata={"description": "Only campaigns planned for this time or later: no drafts."},
    )
    before = Moment(
        data_key="to", metadata={"description": "Only campaigns planned for before this time."}
    )


def filter_of(parameters: Mapping[str, Any]) -> CampaignFilter:
    """Return the filter that valid `CampaignPageParameters` ask for."""
    return CampaignFilter(
        state=parameters.get("state"),
        name=parameters.get("name"),
        since=naive_utc(parameters.get("since")),
        before=naive_utc(parameters.get("before")),
    )
