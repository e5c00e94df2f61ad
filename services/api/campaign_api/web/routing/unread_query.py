"""Refusal of query parameters by routes that read none."""

from flask import Flask, current_app, request

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.web.http.problems import ORIGINAL_PREFIX
from campaign_api.web.http.request_reader import LONGEST_FIELD_NAME, reworded
from campaign_api.web.routing.security_headers import API_PREFIX
from campaign_api.web.routing.view_metadata import reads_query


def register(app: Flask) -> None:
    """Refuse unread parameters in `app`; to be registered after authentication."""
    app.before_request(_refuse_unread)


def _refuse_unread() -> None:
    """Refuse parameters if the route reads none: the client expects an effect.

    Raises:
        RequestInvalid: there is one.
    """
    if not request.args or request.endpoint is None:
        return
    if not request.path.startswith(API_PREFIX) or request.path.startswith(ORIGINAL_PREFIX):
        return
    if not reads_query(current_app.view_functions[request.endpoint]):
        raise RequestInvalid(
            [
                InvalidField(name[:LONGEST_FIELD_NAME], reworded("Unknown field."))
                for name in request.args
            ]
        )
