"""The client of a request, as the API knows it."""

from marshmallow import Schema, fields, validate

from campaign_api.web.caller import CallerKind
from campaign_common.domain.api_key import Scope


class Whoami(Schema):
    """The client of this request, and what it may do."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(list(CallerKind)),
        metadata={
            "description": "`key`: it showed an API key. `local`: a program of the API's own"
            " machine, while no key exists. `none`: `Auth: none`, where no key is needed."
        },
    )
    key_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: no API key was shown."}
    )
    name = fields.String(
        required=True,
        metadata={"description": "Under which its changes are noted in events."},
    )
    scope = fields.String(required=True, validate=validate.OneOf(list(Scope)))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(Scope))),
        required=True,
        metadata={"description": "All that `scope` includes, the least first."},
    )
    sees_reasons = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether it is told why a sender can not send to a provider, which names"
            " settings and files of secrets."
        },
    )
    version = fields.String(required=True, metadata={"description": "Version of the API."})
