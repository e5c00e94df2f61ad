"""GET /healthz and /readyz: is the process alive, and can it work."""

from flask import Response, jsonify
from marshmallow import Schema, fields

from campaign_api.readiness import Readiness
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Databases
from campaign_common.health.write_check import WriteCheck
from campaign_common.schema import SchemaCheck


class Health(Schema):
    """The state of the process, and the reason if it is not ready."""

    status = fields.String(required=True)
    reason = fields.String()


def resource(databases: Databases, shards: int) -> Resource:
    """Build the routes."""
    readiness = Readiness(SchemaCheck(databases, shards), WriteCheck(databases, shards))
    routes = Resource("health", __name__, description="Health probes.")

    @routes.get("/healthz")
    @routes.open_to_all
    @routes.response(200, Health)
    def alive() -> Response:
        """Return 200 while the process serves requests."""
        return jsonify(status="ok")

    @routes.get("/readyz")
    @routes.open_to_all
    @routes.response(200, Health)
    @routes.alt_response(503, schema=Health)
    def ready() -> Response:
        """Return 200 if requests would succeed now, else 503 with the reason."""
        reason = readiness.why_not()
        if reason is None:
            return jsonify(status="ready")
        response = jsonify(status="not ready", reason=reason)
        response.status_code = 503
        return response

    return routes
