"""Responses to callbacks."""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from http import HTTPStatus
from typing import NamedTuple

from campaign_api.web.http.problems import MEDIA_TYPE, RETRY_AFTER, TYPE_PREFIX
from campaign_api.web.routing.security_headers import EVERYWHERE, NOTHING_ALLOWED
from campaign_providers.callbacks.facts import CallbackReply

HeaderLines = tuple[tuple[str, str], ...]

ON_EACH: HeaderLines = (
    *EVERYWHERE.items(),
    ("Content-Security-Policy", NOTHING_ALLOWED),
    ("Cache-Control", "no-store"),
)

CHALLENGE = ("WWW-Authenticate", 'Basic realm="camp-mgr callbacks"')
"""Some gateways send their password only after a 401 with it (RFC 7617)."""


class CallbackResponse(NamedTuple):
    """A response, and the word by which the callback is counted."""

    result: str
    status: str
    headers: HeaderLines
    body: bytes

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])


class Problem(NamedTuple):
    """A reason to take nothing in; the first word is that of the metric."""

    result: str
    code: HTTPStatus
    detail: str
    headers: HeaderLines = ()


UNKNOWN = Problem("unknown", HTTPStatus.NOT_FOUND, "no provider of this name has callbacks here")
ELSEWHERE = Problem("unknown", HTTPStatus.NOT_FOUND, "nothing but callbacks is answered here")
METHOD = Problem(
    "method",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "callbacks are sent by GET or POST",
    (("Allow", "GET, POST"),),
)
NO_HOST = Problem("malformed", HTTPStatus.BAD_REQUEST, "HTTP/1.1 needs a Host header (RFC 9112)")
FRAMING = Problem("malformed", HTTPStatus.BAD_REQUEST, "the body is not framed as HTTP has it")
TOO_LARGE = Problem(
    "too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a callback has 262144 bytes at most"
)
LATE = Problem("late", HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time, or broke off")
PASSWORD = Problem("refused", HTTPStatus.UNAUTHORIZED, "the password is missing", (CHALLENGE,))
REFUSED = Problem("refused", HTTPStatus.FORBIDDEN, "the callback does not prove its origin")
BUSY = Problem(
    "busy",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too many callbacks of this provider at once; send it again later",
    (("Retry-After", str(RETRY_AFTER)),),
)
UNAVAILABLE = Problem(
    "unavailable",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "the database is unavailable; send the callback again later",
    (("Retry-After", str(RETRY_AFTER)),),
)
FAILED = Problem(
    "failed",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal error; the log of the API service says more",
)


@cache
def problem(given: Problem) -> CallbackResponse:
    """Return the response to a callback that was not taken in."""
    phrase = given.code.phrase
    document: Mapping[str, object] = {
        "type": TYPE_PREFIX + phrase.lower().replace(" ", "-"),
        "title": phrase,
        "status": int(given.code),
        "detail": given.detail,
    }
    body = json.dumps(document).encode()
    headers = (*given.headers, *_entity(MEDIA_TYPE, body))
    return CallbackResponse(given.result, f"{given.code:d} {phrase}", headers, body)


@lru_cache(64)
def accepted(reply: CallbackReply) -> CallbackResponse:
    """Return the response that a gateway expects: one of those that mappings declare."""
    return CallbackResponse("accepted", "200 OK", _entity(reply.media_type, reply.body), reply.body)


def _entity(media_type: str, body: bytes) -> HeaderLines:
    return (("Content-Type", media_type), ("Content-Length", str(len(body))), *ON_EACH)
