"""Routes in requests and responses."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from campaign_api.schemas.fields import Integer, Moment, Text, TrueOrFalse, length
from campaign_api.schemas.provider_limits import SOURCES
from campaign_common.domain.routing.route_choice import LARGEST_WEIGHT, RouteChoice
from campaign_common.settings.sections.routes import LONGEST_NAME

MOST_CHOICES = 100


class RouteChoiceSchema(Schema):
    """A provider of a route."""

    provider = Text(required=True, validate=length(LONGEST_NAME))
    weight = Integer(
        required=True,
        validate=validate.Range(0, LARGEST_WEIGHT, error=f"must be from 0 to {LARGEST_WEIGHT}"),
        metadata={
            "description": "Share of the messages that begin with it, in proportion to the others;"
            " 0: none, but it may stand in by Failover."
        },
    )
    enabled = TrueOrFalse(
        load_default=True,
        metadata={
            "description": "False: it takes no message for which it is not chosen already, by"
            " Failover neither."
        },
    )

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> RouteChoice:
        return RouteChoice(**data)


class RouteChoices(Schema):
    """Weights of the providers of a route; one that is left out has the weight 0."""

    choices = fields.List(
        fields.Nested(RouteChoiceSchema),
        required=True,
        validate=validate.Length(1, MOST_CHOICES, error=f"must have 1 to {MOST_CHOICES} providers"),
    )

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> tuple[RouteChoice, ...]:
        choices: tuple[RouteChoice, ...] = tuple(data["choices"])
        if len({one.provider for one in choices}) < len(choices):
            raise ValidationError("must have each provider once", "choices")
        if not any(one.enabled and one.weight for one in choices):
            raise ValidationError(
                "must have a provider that is enabled and has a weight above 0", "choices"
            )
        return choices


class RoutePrefix(Schema):
    """First digits of phone numbers that take another route or provider."""

    prefix = fields.String(required=True)
    takes = fields.String(required=True)


class RouteInForce(Schema):
    """A route, with the weights that hold now."""

    name = fields.String(required=True)
    is_default = fields.Boolean(required=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf(SOURCES),
        metadata={"description": "Live weights were set here, in place of configured ones."},
    )
    choices = fields.List(
        fields.Nested(RouteChoiceSchema),
        required=True,
        allow_none=True,
        metadata={
            "description": "All providers of the route. Null: a newer version set them; services of"
            " this one choose as before, until they are set again."
        },
    )
    failover = fields.List(fields.String(), required=True)
    after_doubt = fields.Boolean(required=True)
    prefixes = fields.List(fields.Nested(RoutePrefix), required=True)


class WeightsEvent(Schema):
    """Change of the weights of a route; without choices, the configured ones held again."""

    id = fields.Integer(required=True)
    at = Moment(required=True)
    actor = fields.String(required=True)
    choices = fields.List(fields.Nested(RouteChoiceSchema), required=True, allow_none=True)


class RouteDetails(RouteInForce):
    """A route, with the weights that hold now and their latest changes."""

    events = fields.List(
        fields.Nested(WeightsEvent),
        required=True,
        metadata={"description": "The 20 latest changes, the newest first."},
    )


class RouteList(Schema):
    """All configured routes."""

    items = fields.List(fields.Nested(RouteInForce), required=True)
