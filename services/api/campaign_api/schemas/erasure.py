"""Response to an erasure."""

from marshmallow import Schema, fields


class ErasureAnswer(Schema):
    """An erasure; the service continues with the steps that are left."""

    id = fields.Integer(required=True)
    left = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What is still to be looked through: rejects, dead_letters."},
    )
