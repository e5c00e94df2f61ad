"""POST /v1/camp/create: the original system's way to make a campaign."""

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.intake import CampaignIntake
from campaign_api.schemas.create_campaign import read_create_campaign


def blueprint(intake: CampaignIntake) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("camp", __name__, url_prefix="/v1/camp")

    @routes.post("/create")
    def create() -> Response:
        if not request.is_json:
            raise UnsupportedMediaType("the body must be JSON: send Content-Type: application/json")
        intake.take_in(read_create_campaign(request.get_data()))
        return jsonify(code=0, msg="success")

    return routes
