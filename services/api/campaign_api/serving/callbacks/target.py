"""The target of a callback as it was requested, and the request that is verified."""

from typing import NamedTuple
from urllib.parse import urlsplit

from campaign_api.web.routing.application import Environ
from campaign_providers.callbacks.facts import CallbackRequest

PREFIX = "/v1/callbacks/"

ROUTE = "/v1/callbacks/<provider>"
"""As the routes of the application stand in logs and metrics."""


class CallbackTarget(NamedTuple):
    """Path and query as they were requested, still encoded, and the provider that they name."""

    provider: str
    path_and_query: str


def is_callback(environ: Environ) -> bool:
    """Return whether a request (WSGI) is for the endpoint of callbacks."""
    path: str = environ["PATH_INFO"]
    return path.startswith(PREFIX)


def target_of(environ: Environ) -> CallbackTarget:
    """Return the target of a callback; a client may send it with scheme and host (RFC 9112, 3.2.2).

    The name is as it was sent: an escaped one is no provider's.
    """
    target: str = environ["RAW_URI"]
    if not target.startswith("/"):
        try:
            target = urlsplit(target)._replace(scheme="", netloc="").geturl()
        except ValueError:
            return CallbackTarget("", "")
    path = target.partition("?")[0]
    return CallbackTarget(path.removeprefix(PREFIX) if path.startswith(PREFIX) else "", target)


def request_of(environ: Environ, url: str, body: bytes) -> CallbackRequest:
    """Return the request that a verifier takes; `url` is the public one."""
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name, key in (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH")):
        if key in environ:
            headers[name] = environ[key]
    return CallbackRequest(environ["REQUEST_METHOD"], url, headers, body)
