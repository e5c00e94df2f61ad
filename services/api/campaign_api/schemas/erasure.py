"""Response to an erasure."""

from marshmallow import Schema, fields


class ErasureResponse(Schema):
    """An erasure; the service continues with the remaining steps."""

    id = fields.Integer(required=True)
    leaves_hash = fields.Boolean(
        required=True,
        metadata={
            "description": "Later imports leave the person out. False where Erasure.Keys are not"
            " configured: then a later import brings the person back."
        },
    )
    remaining_steps = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Data that is still to be searched: rejects, dead_letters."},
    )
