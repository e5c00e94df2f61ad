"""What is answered to an erasure."""

from marshmallow import Schema, fields


class ErasureAnswer(Schema):
    """A person who is being forgotten; what is left goes on by itself."""

    id = fields.Integer(required=True)
    left = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What is still to be looked through: rejects, dead_letters."},
    )
