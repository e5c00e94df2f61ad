"""POST /v1/camp/create: the original system's way to make a campaign."""

from flask import Response, jsonify, request
from marshmallow import Schema, fields
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.campaigns.intake import CampaignIntake
from campaign_api.schemas.campaigns.create_campaign import (
    CreateCampaignSchema,
    read_create_campaign,
)
from campaign_api.web.caller import caller
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_api.web.telemetry.tracing import present_traceparent


class CodeAndMessage(Schema):
    """The original's form of every answer: 0, or -1 and what is wrong."""

    code = fields.Integer(required=True)
    msg = fields.String(required=True)


def resource(intake: CampaignIntake) -> Resource:
    """Build the routes."""
    routes = Resource(
        "camp", __name__, url_prefix="/v1/camp", description="The original system's endpoint."
    )

    @routes.post("/create")
    @routes.limit_concurrency(LimitedWork.CREATION)
    @routes.response(200, CodeAndMessage)
    @routes.alt_response(400, schema=CodeAndMessage)
    @routes.alt_response(409, schema=CodeAndMessage)
    @routes.doc(
        requestBody={
            "required": True,
            "content": {"application/json": {"schema": CreateCampaignSchema}},
        }
    )
    def create() -> Response:
        """Create or change a campaign from a CSV file below CsvRoot.

        Repeating the same request succeeds and changes nothing.
        """
        if not request.is_json:
            raise UnsupportedMediaType("the body must be JSON: send Content-Type: application/json")
        wanted = read_create_campaign(request.get_data())
        intake.accept(wanted, caller().name, present_traceparent())
        return jsonify(code=0, msg="success")

    return routes
