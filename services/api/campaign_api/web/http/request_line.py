"""Rules of HTTP for a request's target and Host that the server and the router leave open."""

from flask import Flask, Response, g, request
from werkzeug.exceptions import NotFound

from campaign_api.errors import RequestMalformed

NEEDS_HOST = "HTTP/1.1"


def register(app: Flask) -> None:
    """Apply them to every request of `app`; to be registered before authentication."""
    app.before_request(_require_host)
    app.before_request(_take_path_literally)
    app.after_request(_end_after_malformed)


def _require_host() -> None:
    """Refuse HTTP/1.1 without Host (RFC 9112, section 3.2).

    Raises:
        RequestMalformed: there is none.
    """
    if request.environ.get("SERVER_PROTOCOL") == NEEDS_HOST and not request.environ.get(
        "HTTP_HOST"
    ):
        g.is_malformed = True
        raise RequestMalformed("HTTP/1.1 needs a Host header (RFC 9112)")


def _end_after_malformed(response: Response) -> Response:
    """Close the connection after the response to a malformed request, as the server does."""
    if g.get("is_malformed"):
        response.headers["Connection"] = "close"
    return response


def _take_path_literally() -> None:
    """Refuse `//v1/stats`: the framework would drop all leading slashes but one."""
    if request.environ.get("PATH_INFO", "").startswith("//"):
        request.url_rule = None
        request.view_args = None
        request.routing_exception = NotFound()
