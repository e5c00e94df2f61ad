"""Access log: one line per request with route, client, key and status."""

import time

import structlog
from flask import Flask, Response, current_app, g, request

from campaign_api.web.caller import caller
from campaign_api.web.routing.probes import PROBES
from campaign_api.web.routing.view_metadata import is_logged_at_debug

UNLOGGED = frozenset({"path", "reference"})
"""Arguments of routes that no log has."""

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Log every request of `app`.

    The route and its arguments are logged, not the path or the query as they came: those
    are whatever a client likes to send, a phone number for example. An argument that is a
    phone number is called `phone`, and masked by that name; one in `UNLOGGED` is again whatever
    a client sends, or lets its reader act for a person; a campaign is called as on every other
    line. The ids that `tracing` gave the request stand on this line and on every other that is
    written for it.
    """
    app.before_request(_begin)
    app.after_request(_log)


def _is_a_quiet_success(response: Response) -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return view is not None and is_logged_at_debug(view) and response.status_code < 400


def _begin() -> None:
    g.began = time.monotonic()


def _log(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else None
    write = log.debug if route in PROBES or _is_a_quiet_success(response) else log.info
    write(
        "request",
        method=request.method,
        route=route,
        status=response.status_code,
        milliseconds=round((time.monotonic() - g.began) * 1000, 1),
        client=request.remote_addr,
        **({"key": caller().name} if "caller" in g else {}),
        **{
            "campaign" if name == "campaign_id" else name: given
            for name, given in (request.view_args or {}).items()
            if name not in UNLOGGED
        },
    )
    return response
