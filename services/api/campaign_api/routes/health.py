"""GET /healthz and /readyz: is the process alive, and can it work."""

from flask import Blueprint, Response, jsonify

from campaign_api.readiness import why_not_ready
from campaign_common.database import Database


def blueprint(database: Database, shards: int) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> Response:
        return jsonify(status="ok")

    @routes.get("/readyz")
    def ready() -> Response:
        reason = why_not_ready(database, shards)
        if reason is None:
            return jsonify(status="ready")
        response = jsonify(status="not ready", reason=reason)
        response.status_code = 503
        return response

    return routes
