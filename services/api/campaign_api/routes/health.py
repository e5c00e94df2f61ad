"""GET /healthz and /readyz: is the process alive, and can it work."""

from flask import Response, jsonify
from marshmallow import Schema, fields

from campaign_api.erased.check import ErasureKeyCheck
from campaign_api.readiness import Readiness
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Databases
from campaign_common.health.write_check import WriteCheck
from campaign_common.schema import SchemaCheck


class Health(Schema):
    """The state of the process, the reason if it is not ready, and a warning if one is due."""

    status = fields.String(required=True)
    reason = fields.String()
    warning = fields.String()


def resource(databases: Databases, shards: int, keys: ErasureKeyCheck) -> Resource:
    """Build the routes."""
    readiness = Readiness(SchemaCheck(databases, shards), WriteCheck(databases, shards), keys)
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
            warning = readiness.warning()
            return jsonify(status="ready", **({"warning": warning} if warning else {}))
        response = jsonify(status="not ready", reason=reason)
        response.status_code = 503
        return response

    return routes
