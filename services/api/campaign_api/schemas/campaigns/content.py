"""Content and originator of a campaign and of its messages, in requests and responses."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from campaign_api.schemas.campaigns.create_campaign import LONGEST_TEMPLATE
from campaign_api.schemas.fields import Text, length, whole
from campaign_common.domain.content.campaign_content import (
    Content,
    ContentKind,
    TemplateContent,
    TextContent,
)
from campaign_common.domain.content.originator import MOST_DIGITS, require_originator
from campaign_common.errors import OriginatorInvalid

MOST_PARTS = 50

MOST_ATTRIBUTES = 64
LONGEST_VALUE = 1_024
"""Values that a request gives in place of a recipient's, and the characters of each."""

CONTENT_DESCRIBED = (
    "A text, or a template that the provider holds, with its parameters. The provider of the"
    " campaign must take its kind."
)

_FIELDS: Mapping[ContentKind, frozenset[str]] = {
    ContentKind.TEXT: frozenset({"template"}),
    ContentKind.TEMPLATE: frozenset({"name", "language", "parts"}),
}
"""The fields of each kind, all of which are required."""

_LANGUAGE = "^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}$"

_NAME = "^[^\\x00]*[^\\x00\\s][^\\x00]*$"
"""Text that is not blank."""


class ContentAnswered(Schema):
    """The content of a campaign, with the fields of its kind."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(
            list(ContentKind), error=f"must be one of {', '.join(ContentKind)}"
        ),
    )
    template = Text(
        validate=length(LONGEST_TEMPLATE),
        metadata={"description": "Of kind text: the message, as the campaign's `template`."},
    )
    name = Text(
        validate=[length(512), validate.Regexp(whole(_NAME), error="must not be blank")],
        metadata={"pattern": _NAME, "description": "Of kind template: its name at the provider."},
    )
    language = Text(
        validate=validate.Regexp(whole(_LANGUAGE), error="must be a language, such as de or pt_BR"),
        metadata={"pattern": _LANGUAGE, "description": "Of kind template: its language."},
    )
    parts = fields.List(
        Text(validate=length(LONGEST_TEMPLATE)),
        validate=validate.Length(0, MOST_PARTS, error=f"must have at most {MOST_PARTS} items"),
        metadata={
            "description": "Of kind template: its parameters in order, with {name}, {phone},"
            " {any column} and {column|default}."
        },
    )


class ContentBody(ContentAnswered):
    """The content of a campaign that is made or changed."""

    @validates_schema
    def _require_fields_of_the_kind(self, data: Mapping[str, Any], **_: object) -> None:
        of_kind = _FIELDS[ContentKind(data["kind"])]
        given = data.keys() - {"kind"}
        wrong = {name: ["is missing"] for name in of_kind - given}
        wrong |= {name: [f"is no field of kind {data['kind']}"] for name in given - of_kind}
        if wrong:
            raise ValidationError(wrong)

    @post_load
    def _build(self, data: dict[str, Any], **_: object) -> Content:
        if data.pop("kind") == ContentKind.TEXT:
            return TextContent(**data)
        return TemplateContent(data["name"], data["language"], tuple(data["parts"]))


def _require_originator(text: str) -> None:
    try:
        require_originator(text)
    except OriginatorInvalid as error:
        raise ValidationError(str(error)) from error


def originator_asked() -> Text:
    """Build the field `from` of a request."""
    return Text(
        data_key="from",
        attribute="from",
        allow_none=True,
        validate=_require_originator,
        metadata={
            "minLength": 1,
            "maxLength": MOST_DIGITS,
            "description": "The originator that recipients see, in place of the provider's:"
            f" up to 11 characters of the GSM 7-bit default alphabet, up to {MOST_DIGITS} digits,"
            " or + and up to 15 digits. null: that of the provider.",
        },
    )


def originator_answered() -> fields.String:
    """Build the field `from` of a response."""
    return fields.String(
        data_key="from",
        attribute="from",
        required=True,
        allow_none=True,
        metadata={"description": "The campaign's own originator; null: that of the provider."},
    )


def message_body() -> fields.String:
    """Build the field with the body of a message."""
    return fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null: a template of the provider, with these parts."},
    )


def message_parts() -> fields.List[str]:
    """Build the field with the parameters of a message of a template."""
    return fields.List(
        fields.String(), required=True, allow_none=True, metadata={"description": "null: a text."}
    )
