"""/v1/routes: routes, and the weights of their providers."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from flask import Response, request

from campaign_api.errors import PreconditionFailed
from campaign_api.providers.routes_in_force import RoutesInForce
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.routes.campaigns import ETAG, IF_MATCH, RETRY_SECONDS, BodyAndHeaders
from campaign_api.schemas.route import RouteChoices, RouteDetails, RouteList
from campaign_api.web.caller import caller
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.routing.resource import IDEMPOTENCY_KEY, Resource
from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.domain.routing.route_choice import RouteChoice, choices_as_json

log = structlog.get_logger(__name__)


def resource(database: Database, in_force: RoutesInForce) -> Resource:
    """Build the routes of the API."""
    transactions = RetryingTransactions(database, RETRY_SECONDS)
    routes = Resource(
        "routes",
        __name__,
        url_prefix="/v1/routes",
        description="Routes of campaigns, and the weights of their providers.",
    )

    @routes.get("")
    @routes.response(200, RouteList)
    def read_all() -> Mapping[str, Any]:
        """Return all configured routes, in the order of the configuration."""
        with database.reading() as cursor:
            return {"items": in_force.read_all(cursor)}

    @routes.get("/<name>")
    @routes.response(200, RouteDetails, headers=ETAG)
    @routes.problems(404)
    def read(name: str) -> BodyAndHeaders:
        """Return a route with the weights that hold now, and their latest changes."""
        return _tagged(database, in_force, name)

    @routes.put("/<name>")
    @routes.requires(Scope.ADMIN)
    @routes.doc(parameters=[IDEMPOTENCY_KEY, IF_MATCH])  # both, since a list replaces another
    @routes.idempotent
    @routes.arguments(RouteChoices)
    @routes.response(200, RouteDetails, headers=ETAG)
    @routes.problems(400, 404, 412, 413, 415, 422)
    def replace(choices: Sequence[RouteChoice], name: str) -> BodyAndHeaders:
        """Set weights that hold in place of the configured ones.

        They hold for messages for which no provider is chosen yet, until they are set again or
        deleted, also over restarts. Messages that were sent, claimed or have failed over keep
        their provider.
        """
        in_force.require_providers(name, choices)
        work = partial(
            in_force.set_choices,
            name=name,
            choices=choices,
            actor=caller().name,
            require_match=_matching(name),
        )
        once = idempotent_request()
        if once.run_once(transactions, work) and not once.carried_out:
            described = json.dumps(choices_as_json(choices))
            log.info("route weights set", route=name, key=caller().name, choices=described)
        return _tagged(database, in_force, name)

    @routes.delete("/<name>")
    @routes.requires(Scope.ADMIN)
    @routes.response(200, RouteDetails, headers=ETAG)
    @routes.alt_response(204, description="They were of a route that is not configured any more.")
    @routes.problems(404, 412)
    @routes.doc(parameters=[IF_MATCH])
    def remove(name: str) -> BodyAndHeaders | Response:
        """Delete the weights that were set here: the configured ones hold again.

        Those of a route that was taken out of the configuration can be deleted, too.
        """
        work = partial(
            in_force.set_choices,
            name=name,
            choices=None,
            actor=caller().name,
            require_match=_matching(name),
        )
        if transactions.run(work):
            log.info("route weights deleted", route=name, key=caller().name)
        if not in_force.is_configured(name):
            return Response(status=204)
        return _tagged(database, in_force, name)

    return routes


def _matching(route: str) -> Callable[[Mapping[str, Any]], None]:
    """Return the check of If-Match against a route as it is inside a transaction."""
    wanted, is_asked = request.if_match, "If-Match" in request.headers

    def require(found: Mapping[str, Any]) -> None:
        if is_asked and not wanted.contains(_tag(found)):
            raise PreconditionFailed(f"route {route} is not as If-Match says; read it")

    return require


def _tagged(database: Database, in_force: RoutesInForce, route: str) -> BodyAndHeaders:
    with database.reading() as cursor:
        found = in_force.read(cursor, route)
    return found, {"ETag": f'"{_tag(found)}"'}


def _tag(found: Mapping[str, Any]) -> str:
    """Return the strong ETag of a route: a digest of what is answered."""
    answered = json.dumps(RouteDetails().dump(found), sort_keys=True)
    return hashlib.sha256(answered.encode()).hexdigest()[:32]
