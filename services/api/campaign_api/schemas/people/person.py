"""Everything about one person in a response."""

from marshmallow import Schema, fields

from campaign_api.schemas.message import PersonMessage
from campaign_api.schemas.people.inbound import InboundMessageSchema
from campaign_api.schemas.suppression import SuppressionChangeSchema, SuppressionSchema


class PersonSchema(Schema):
    """Messages to a person, messages of the person, and what the person does not want."""

    phone = fields.String(required=True)
    messages = fields.List(fields.Nested(PersonMessage), required=True)
    messages_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`cursor` of GET /v1/messages, where more follow."},
    )
    inbound = fields.List(fields.Nested(InboundMessageSchema), required=True)
    inbound_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`cursor` of GET /v1/inbound, where more follow."},
    )
    suppressions = fields.List(fields.Nested(SuppressionSchema), required=True)
    changes = fields.List(
        fields.Nested(SuppressionChangeSchema),
        required=True,
        metadata={"description": "Changes of the suppressions, but those of imports."},
    )
