"""Response to an erasure."""

from marshmallow import Schema, fields


class ErasureResponse(Schema):
    """An erasure; the service continues with the remaining steps."""

    id = fields.Integer(required=True)
    remaining_steps = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Data that is still to be searched: rejects, dead_letters."},
    )
