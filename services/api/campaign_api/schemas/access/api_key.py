"""API keys in requests and responses."""

from marshmallow import Schema, ValidationError, fields, validate

from campaign_api.schemas.fields import Moment, Text
from campaign_common.domain.api_key import LONGEST_NAME, Scope, is_name


def _require_name(text: str) -> None:
    if not is_name(text):
        raise ValidationError(
            f"must be 1 to {LONGEST_NAME} printable characters, without spaces around them"
        )


class NewApiKey(Schema):
    """An API key that is to be made."""

    name = Text(
        required=True,
        validate=_require_name,
        metadata={
            "minLength": 1,
            "maxLength": LONGEST_NAME,
            "description": "Under which its changes are noted in events: printable characters,"
            " without spaces around them.",
        },
    )
    scope = fields.Enum(
        Scope,
        by_value=True,
        required=True,
        error_messages={"unknown": f"must be one of {', '.join(Scope)}"},
        metadata={"description": "Each scope includes those before it: read, write, admin."},
    )


class ApiKeyAnswered(Schema):
    """An API key without its secret, of which only a digest is stored."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    scope = fields.String(required=True, validate=validate.OneOf(list(Scope)))
    created_at = Moment(required=True)
    last_used_at = Moment(
        required=True, allow_none=True, metadata={"description": "Noted about once a minute."}
    )
    revoked_at = Moment(required=True, allow_none=True)


class ApiKeyMade(ApiKeyAnswered):
    """An API key that was made just now."""

    key = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "`id.secret`, this once. null: the response to a request that was"
            " carried out before; revoke this key, and make another one."
        },
    )


class ApiKeys(Schema):
    """All API keys, the oldest first."""

    api_keys = fields.List(fields.Nested(ApiKeyAnswered), required=True)
