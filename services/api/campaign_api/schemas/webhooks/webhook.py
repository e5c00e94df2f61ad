"""Webhooks and their deliveries in requests and responses."""

from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from campaign_api.schemas.fields import Integer, Moment, Text, TrueOrFalse, whole
from campaign_api.web.http.paging import Cursor, PageParameters
from campaign_common.domain.events.delivery_retries import DeliveryState
from campaign_common.domain.events.event_kind import CHOSEN, EventKind

URL_PATTERN = "^https?://[a-z0-9.-]+(:[1-9][0-9]{0,3})?/[!$-;=?-Z_a-z~]{0,1024}$"
"""The plainest URLs; others are read, too."""

_KINDS = [kind.value for kind in CHOSEN]


def _require_url(value: str) -> None:
    message = "must be an http or https URL in ASCII, without user and #"
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise ValidationError(message) from None
    if not is_usable or "@" in parts.netloc or "#" in value:
        raise ValidationError(message)


def _url(**options: Any) -> Text:  # noqa: ANN401 - marshmallow's options
    form = whole("^[!-~]{1,2048}$")
    return Text(
        validate=[validate.Regexp(form, error="must be a URL in ASCII"), _require_url],
        metadata={"pattern": URL_PATTERN, "maxLength": 2048, "format": "uri"},
        **options,
    )


def _kinds(**options: Any) -> fields.List[Any]:  # noqa: ANN401 - marshmallow's options
    return fields.List(
        Text(validate=validate.OneOf(_KINDS), metadata={"pattern": "^[a-z_.]+$"}),
        allow_none=True,
        validate=validate.Length(1, len(_KINDS)),
        metadata={"description": "Kinds of events that it is told of; null: all."},
        **options,
    )


class WebhookBody(Schema):
    """A webhook that is to be made."""

    url = _url(required=True)
    kinds = _kinds(load_default=None)
    enabled = TrueOrFalse(load_default=True)


class WebhookChange(Schema):
    """Changes of a webhook."""

    url = _url()
    kinds = _kinds()
    enabled = TrueOrFalse()


class WebhookSchema(Schema):
    """A webhook."""

    id = Integer(required=True)
    url = fields.String(required=True)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(_KINDS)), required=True, allow_none=True
    )
    enabled = fields.Boolean(required=True)
    disabled_reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`gone`: its receiver answered 410; null: a client disabled it."},
    )
    secret = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Shown where the webhook is made or its secret rotated only."},
    )
    previous_until = Moment(
        required=True,
        allow_none=True,
        metadata={"description": "Until then the secret before signs, too."},
    )
    created_by = fields.String(required=True)
    created_at = Moment(required=True)
    changed_by = fields.String(required=True)
    changed_at = Moment(required=True)


class WebhookList(Schema):
    """All webhooks, the oldest first."""

    webhooks = fields.List(fields.Nested(WebhookSchema), required=True)


class DeliverySchema(Schema):
    """A delivery of one event to one webhook."""

    id = Integer(required=True)
    event_id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([*EventKind]))
    state = fields.String(required=True, validate=validate.OneOf([*DeliveryState]))
    tries = Integer(required=True)
    due_at = Moment(required=True, allow_none=True)
    status = Integer(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    took_ms = Integer(required=True, allow_none=True)
    created_at = Moment(required=True)
    tried_at = Moment(required=True, allow_none=True)


class DeliveryPage(Schema):
    """Deliveries, the newest first."""

    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class DeliveryPageParameters(PageParameters):
    """Page of deliveries."""

    cursor = Cursor(int)
