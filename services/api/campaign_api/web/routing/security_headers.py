"""Security headers, which restrict what browsers do with a response.

Strict-Transport-Security is left to whatever ends TLS in front of this service.
"""

from flask import Flask, Response, request

from campaign_api.web.routing.documentation import PAGE_PATH

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"

PAGE_ALLOWED = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'"
)
"""Swagger UI begins with a script in its page, and styles its elements one by one."""

API_PREFIX = "/v1/"


def register(app: Flask) -> None:
    """Add the headers to every response of `app`."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    for name, value in EVERYWHERE.items():
        response.headers.setdefault(name, value)
    page = request.path == PAGE_PATH or request.path.startswith(f"{PAGE_PATH}/")
    allowed = PAGE_ALLOWED if page else NOTHING_ALLOWED
    response.headers.setdefault("Content-Security-Policy", allowed)
    if request.path.startswith(API_PREFIX):
        response.headers["Cache-Control"] = "no-store"
    return response
