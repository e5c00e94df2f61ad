"""The target of a callback as it was requested, and the request that is verified."""

from typing import NamedTuple
from urllib.parse import urlsplit

from campaign_api.web.routing.application import Environ
from campaign_common.domain.receipts.callback_url import CALLBACKS_PATH, INBOUND_PATH
from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest

PREFIXES = {
    CALLBACKS_PATH: CallbackPurpose.RECEIPTS,
    INBOUND_PATH: CallbackPurpose.INBOUND,
}
"""The beginnings of paths below which providers have a name each."""


class CallbackTarget(NamedTuple):
    """Path and query as they were requested, still encoded, and the provider that they name."""

    provider: str
    path_and_query: str
    purpose: CallbackPurpose


def route_of(environ: Environ) -> str | None:
    """Return the route of a request (WSGI) for the endpoint of callbacks; None of other requests.

    It is written as the routes of the application stand in logs and metrics.
    """
    prefix = _prefix(environ["PATH_INFO"])
    return None if prefix is None else f"{prefix}<provider>"


def target_of(environ: Environ) -> CallbackTarget:
    """Return the target of a callback; a client may send it with scheme and host (RFC 9112, 3.2.2).

    The name is as it was sent: an escaped one is no provider's.
    """
    target: str = environ["RAW_URI"]
    if not target.startswith("/"):
        try:
            target = urlsplit(target)._replace(scheme="", netloc="").geturl()
        except ValueError:
            target = ""
    path = target.partition("?")[0]
    prefix = _prefix(path)
    if prefix is None:
        return CallbackTarget("", target, CallbackPurpose.RECEIPTS)
    return CallbackTarget(path.removeprefix(prefix), target, PREFIXES[prefix])


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


def _prefix(path: str) -> str | None:
    return next((prefix for prefix in PREFIXES if path.startswith(prefix)), None)
