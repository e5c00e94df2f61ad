"""Providers in responses."""

from typing import Any

from marshmallow import Schema, fields, validate

from campaign_api.providers.readiness import ProviderReadiness
from campaign_api.schemas.fields import Moment
from campaign_api.schemas.provider_limits import SOURCES, DateOfDay, ProviderLimitsSchema
from campaign_common.settings import AnswerWord
from campaign_common.store.limits.live_limits import CHECKED, LIMITS_CHANGED


def _seconds(description: str) -> fields.Float:
    return fields.Float(required=True, metadata={"description": f"Seconds: {description}."})


def _optional(schema: type[Schema] | Schema, description: str) -> Any:  # noqa: ANN401 - a field
    metadata = {"description": description}
    return fields.Nested(schema, required=True, allow_none=True, metadata=metadata)


AnswerCounts = Schema.from_dict(
    {word.value: fields.Integer(required=True) for word in AnswerWord}, name="AnswerCounts"
)
"""Answers by the words of `Answers`."""


class HeldLimits(Schema):
    """Limits that hold, and where they come from."""

    source = fields.String(required=True, validate=validate.OneOf(SOURCES))
    limits = fields.Nested(ProviderLimitsSchema, required=True)


class SecondUseSchema(Schema):
    """Grants of the running second."""

    quota = fields.Integer(required=True)
    granted = fields.Integer(
        required=True, metadata={"description": "What of it belongs to senders."}
    )


class DayUseSchema(Schema):
    """Units of the running day."""

    day = DateOfDay(required=True)
    per_day = fields.Integer(required=True)
    taken = fields.Integer(
        required=True, metadata={"description": "Used, or held by senders for 0.25 s."}
    )
    ends_at = Moment(required=True)


class Latency(Schema):
    """Time from request to answer, of the last minute, over all senders."""

    requests = fields.Integer(required=True)
    mean = _seconds("the mean")
    p50 = _seconds("the median, estimated")
    p95 = _seconds("95 % took no longer, estimated")
    p99 = _seconds("99 % took no longer, estimated")


class BreakerEntry(Schema):
    """Latest opening of the circuit breaker, or of that of an account."""

    open_until = Moment(required=True)
    opened_at = Moment(required=True)
    times_opened = fields.Integer(required=True)


class KnowingSender(Schema):
    """Sender that has the provider in its configuration."""

    name = fields.String(required=True)
    seen_at = Moment(required=True)
    breaker = fields.String(
        required=True, metadata={"description": "Its circuit breaker: closed, open or half_open."}
    )
    account_refused = fields.Boolean(required=True)
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What keeps it from sending; null: nothing."},
    )


class ProviderSchema(Schema):
    """A configured provider and its state."""

    name = fields.String(required=True)
    kind = fields.String(required=True)
    preset = fields.String(required=True, allow_none=True)
    is_default = fields.Boolean(
        required=True, metadata={"description": "Of campaigns that name no provider."}
    )
    state = fields.String(
        required=True,
        validate=validate.OneOf([*ProviderReadiness]),
        metadata={
            # Generators of clients would name it ProviderState, which is that of a campaign.
            "title": "ProviderReadiness",
            "description": "`ready`; `no_sender` is running; `unconfigured`: no sender can send to"
            " it; `account_refused` by the provider; `retry_after`: the provider asked to wait;"
            " `circuit_open`: its sends fail; `day_used_up`.",
        },
    )
    until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "The end of the state, where it is known."},
    )
    problem = fields.String(
        required=True, allow_none=True, metadata={"description": "What is wrong, and where."}
    )
    limits = fields.Nested(HeldLimits, required=True)
    second = _optional(SecondUseSchema, "null: no limit of a second, or nothing is being sent.")
    day = _optional(DayUseSchema, "null: no limit of a day.")
    answers = fields.Nested(
        AnswerCounts, required=True, metadata={"description": "Of the last minute."}
    )
    latency = _optional(Latency, "null: no request in the last minute.")
    breaker = _optional(BreakerEntry, "null: it has not opened in the last 30 days.")
    possible_duplicates = fields.Integer(
        required=True,
        metadata={"description": "Sends repeated after a doubt, of all campaigns that are kept."},
    )
    senders = fields.List(fields.Nested(KnowingSender), required=True)


class ProviderList(Schema):
    """All configured providers."""

    items = fields.List(fields.Nested(ProviderSchema), required=True)


class ProviderEventSchema(Schema):
    """Change of a provider's limits, or a check of it."""

    id = fields.Integer(required=True)
    at = Moment(required=True)
    actor = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([LIMITS_CHANGED, CHECKED]))


class ProviderDetails(ProviderSchema):
    """A configured provider, its state and its latest events."""

    events = fields.List(
        fields.Nested(ProviderEventSchema),
        required=True,
        metadata={"description": "The 20 latest, the newest first."},
    )
