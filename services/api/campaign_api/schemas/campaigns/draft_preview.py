"""Requests to preview content that is no campaign's yet, and responses to them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from campaign_api.campaigns.previews.draft_preview import SampleValues, SlicedList
from campaign_api.schemas.campaigns.actions import Preview, PreviewedMessage
from campaign_api.schemas.campaigns.campaign import LARGEST_ID
from campaign_api.schemas.campaigns.content import (
    CONTENT_DESCRIBED,
    LONGEST_VALUE,
    MOST_ATTRIBUTES,
    ContentBody,
)
from campaign_api.schemas.campaigns.create_campaign import LONGEST_TEMPLATE
from campaign_api.schemas.fields import Integer, Text, length
from campaign_api.schemas.phone import PhoneNumber
from campaign_common.domain.content.campaign_content import TextContent
from campaign_common.domain.recipient import ListId

LARGEST_SEQ = 2**32 - 1

ONE_SOURCE = "must not be given beside recipient_list_id"


class DraftPreview(Preview):
    """Content, and the recipients of a list, or sample values, to preview it for."""

    template = Text(
        validate=length(LONGEST_TEMPLATE),
        metadata={"description": "A text. It stands for `content` of kind text; one is required."},
    )
    content = fields.Nested(ContentBody, metadata={"description": CONTENT_DESCRIBED})
    recipient_list_id = Integer(
        validate=validate.Range(1, LARGEST_ID, error=f"must be from 1 to {LARGEST_ID}"),
        metadata={"description": "The list of the recipients. Without it, sample values count."},
    )
    from_seq = Integer(
        load_default=1,
        validate=validate.Range(1, LARGEST_SEQ, error=f"must be from 1 to {LARGEST_SEQ}"),
        metadata={
            "description": "The number in the list of the first recipient that is shown; one that"
            " was erased is passed over."
        },
    )
    phone = PhoneNumber(metadata={"description": "Sample value of {phone}."})
    attributes = fields.Dict(
        keys=Text(),
        values=Text(validate=validate.Length(0, LONGEST_VALUE)),
        validate=validate.Length(0, MOST_ATTRIBUTES, error=f"at most {MOST_ATTRIBUTES} members"),
        metadata={
            "description": "Sample values by column, including name. They are all the columns that"
            " there are.",
            "maxProperties": MOST_ATTRIBUTES,
            "example": {"name": "Ann"},
        },
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _require_one(self, _: object, given: object, **__: object) -> None:
        # A body that is no object has been refused as that.
        if not isinstance(given, dict):
            return
        if "template" not in given and "content" not in given:
            raise ValidationError("is missing", "template")
        if "template" in given and "content" in given:
            raise ValidationError("must not be given beside content", "template")
        beside = [name for name in ("phone", "attributes") if name in given]
        if "recipient_list_id" in given and beside:
            raise ValidationError({name: [ONE_SOURCE] for name in beside})

    @post_load
    def _build(self, data: Mapping[str, Any], **_: object) -> dict[str, Any]:
        source: SampleValues | SlicedList = SampleValues(
            data.get("phone", ""), data.get("attributes", {})
        )
        if "recipient_list_id" in data:
            source = SlicedList(ListId(data["recipient_list_id"]), data["from_seq"], data["limit"])
        content = data.get("content") or TextContent(data["template"])
        return {"content": content, "source": source}


class CharacterOutsideGsm7(Schema):
    """A character that forces a message into UCS-2."""

    character = fields.String(required=True)
    code_point = fields.String(required=True)


class DraftedMessage(PreviewedMessage):
    """A message as it would be sent, and the reasons for its size."""

    ucs2_characters = fields.List(
        fields.Nested(CharacterOutsideGsm7),
        required=True,
        metadata={"description": "The first 20 characters outside of GSM 7-bit, each once."},
    )
    missing_values = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Columns without a value, so that the default, or nothing, stands there."
        },
    )


class DraftPreviewResponse(Schema):
    """The messages, and what their placeholders name."""

    messages = fields.List(fields.Nested(DraftedMessage), required=True)
    columns = fields.List(
        fields.String(), required=True, metadata={"description": "Those of the list or the sample."}
    )
    unknown_columns = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Placeholders that are no column: a campaign with them is refused."
            " `unsubscribe_url` is among them where links are not configured."
        },
    )
    unsubscribe_link = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether the messages have a link to unsubscribe. In its place stands"
            " a text as long as it, which leads nowhere."
        },
    )
