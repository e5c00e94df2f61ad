"""Limits of a provider in requests and responses."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from campaign_api.schemas.fields import Integer, Moment, Text
from campaign_common.domain.limits.provider_limits import (
    UTC_ZONE,
    LimitUnit,
    ProviderLimits,
    RampStep,
    known_zones,
)
from campaign_common.settings.fields.limits import exact_amount, exact_day
from campaign_common.settings.sections.providers.limits import (
    MOST_CONCURRENT,
    MOST_PER_DAY,
    MOST_PER_SECOND,
)

LONGEST_RAMP = 100
"""Steps."""

SOURCES = ("live", "configured")


class AmountField(fields.Field[Decimal]):
    """A number with at most three decimal places."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        metadata = {"type": "number", "minimum": 0.001, "maximum": MOST_PER_SECOND}
        super().__init__(metadata=metadata | options.pop("metadata", {}), **options)

    def _serialize(self, value: Decimal | None, *_: object, **__: object) -> float | None:
        return None if value is None else float(value)

    def _deserialize(self, value: object, *_: object, **__: object) -> Decimal:
        amount = exact_amount(value, MOST_PER_SECOND)
        if amount is None:
            raise ValidationError(
                f"must be a number from 0.001 to {MOST_PER_SECOND} with at most 3 decimal places"
            )
        return amount


class DateOfDay(fields.Field[date]):
    """A date as YYYY-MM-DD."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's options
        super().__init__(metadata={"type": "string", "format": "date"}, **options)

    def _serialize(self, value: date | None, *_: object, **__: object) -> str | None:
        return None if value is None else value.isoformat()

    def _deserialize(self, value: object, *_: object, **__: object) -> date:
        day = exact_day(value)
        if day is None:
            raise ValidationError("must be a date such as 2027-01-31")
        return day


def _per_second() -> AmountField:
    return AmountField(allow_none=True, load_default=None)


def _whole(highest: int) -> Integer:
    bounds = validate.Range(1, highest, error=f"must be from 1 to {highest}")
    return Integer(allow_none=True, load_default=None, validate=bounds)


def _zone(value: str) -> None:
    if value not in known_zones():
        raise ValidationError("must be the name of a time zone, such as America/Los_Angeles")


RampStepSchema = Schema.from_dict(
    {
        "from": DateOfDay(required=True, attribute="since"),
        "per_second": _per_second(),
        "per_day": _whole(MOST_PER_DAY),
    },
    name="RampStep",
)
"""Limits from a day on; what is null stays as in the limits themselves."""


class ProviderLimitsSchema(Schema):
    """Limits of a provider over all senders; null: no limit."""

    per_second = _per_second()
    unit = fields.String(
        load_default=LimitUnit.MESSAGES.value, validate=validate.OneOf([*LimitUnit])
    )
    concurrency = _whole(MOST_CONCURRENT)
    per_day = _whole(MOST_PER_DAY)
    zone = Text(load_default=UTC_ZONE, validate=_zone)
    ramp = fields.List(
        fields.Nested(RampStepSchema),
        load_default=[],
        validate=validate.Length(max=LONGEST_RAMP, error=f"must have at most {LONGEST_RAMP} steps"),
    )

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> ProviderLimits:
        ramp = tuple(
            RampStep(one["since"], one["per_second"], one["per_day"]) for one in data["ramp"]
        )
        if len({step.since for step in ramp}) < len(ramp):
            raise ValidationError("must have each day once", "ramp")
        if any(step.per_second is None and step.per_day is None for step in ramp):
            raise ValidationError("must have per_second or per_day in each step", "ramp")
        return ProviderLimits(
            data["per_second"],
            LimitUnit(data["unit"]),
            data["concurrency"],
            data["per_day"],
            data["zone"],
            ramp,
        )


class LimitsEvent(Schema):
    """Change of the limits of a provider; without limits, the configured ones held again."""

    id = fields.Integer(required=True)
    at = Moment(required=True)
    actor = fields.String(required=True)
    limits = fields.Nested(ProviderLimitsSchema, required=True, allow_none=True)


class LimitsInForce(Schema):
    """Limits of a provider that hold now, and their latest changes."""

    provider = fields.String(required=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf(SOURCES),
        metadata={"description": "Live ones were set here, and hold in place of configured ones."},
    )
    limits = fields.Nested(
        ProviderLimitsSchema,
        required=True,
        allow_none=True,
        metadata={
            "description": "Null: a newer version set them; nothing is sent until set again."
        },
    )
    events = fields.List(
        fields.Nested(LimitsEvent),
        required=True,
        metadata={"description": "The 20 latest changes, the newest first."},
    )
