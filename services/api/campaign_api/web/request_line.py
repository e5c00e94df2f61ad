"""Rules of HTTP for a request's target and Host that the server and the router leave open."""

from flask import Flask, request
from werkzeug.exceptions import NotFound

from campaign_api.refusals import RequestMalformed

NEEDS_HOST = "HTTP/1.1"


def register(app: Flask) -> None:
    """Hold every request of `app` to them; to be registered before authentication."""
    app.before_request(_require_host)
    app.before_request(_take_path_literally)


def _require_host() -> None:
    """Refuse HTTP/1.1 without Host (RFC 9112, section 3.2).

    Raises:
        RequestMalformed: there is none.
    """
    if request.environ.get("SERVER_PROTOCOL") == NEEDS_HOST and not request.environ.get(
        "HTTP_HOST"
    ):
        raise RequestMalformed("HTTP/1.1 needs a Host header (RFC 9112)")


def _take_path_literally() -> None:
    """Take `//v1/stats` for no route: the framework drops all slashes but one at the beginning."""
    if request.environ.get("PATH_INFO", "").startswith("//"):
        request.url_rule = None
        request.view_args = None
        request.routing_exception = NotFound()
