"""Answers to what never becomes a request: too slow, too large, or no HTTP.

They look as the application's own: problem documents, or the original's form below its paths.
"""

import json
from functools import cache
from http import HTTPStatus
from secrets import token_hex
from urllib.parse import urlsplit

from gunicorn.http import errors
from gunicorn.util import http_date

from campaign_api.serving.connection import HeaderLate
from campaign_api.serving.responses.bounded_log import BoundedLog
from campaign_api.serving.threads import TooMuchWork
from campaign_api.web.http.problems import MEDIA_TYPE, ORIGINAL_PREFIX, RETRY_AFTER, TYPE_PREFIX
from campaign_api.web.routing.security_headers import EVERYWHERE, NOTHING_ALLOWED
from campaign_api.web.telemetry.tracing import REQUEST_ID

FAILED = (500, "internal error; the log of the API service says more")

STATUSES: dict[type[BaseException], tuple[int, str]] = {
    HeaderLate: (408, "the request did not arrive in time"),
    TooMuchWork: (503, "more requests wait than can be worked on; send it again later"),
    errors.LimitRequestLine: (414, "the request line is too long"),
    errors.LimitRequestHeaders: (431, "the header has too many lines, or too long ones"),
    errors.UnsupportedTransferCoding: (501, "of transfer codings only chunked is supported"),
    errors.ExpectationFailed: (417, "of expectations only 100-continue is met"),
    errors.ForbiddenProxyRequest: (403, "requests through a PROXY header are not taken"),
    errors.InvalidResponseHeader: FAILED,
    errors.InvalidResponseHeaderName: FAILED,
    errors.ParseException: (400, "the request is not valid HTTP"),
}
"""The most specific type of an error decides; what is of none is a failure of this service."""

rejections, failures = BoundedLog(), BoundedLog()


def refusal_of(error: BaseException, target: bytes) -> bytes:
    """Answer to a request for `target` that was not understood, or failed.

    What it said is not logged: it may hold secrets and phone numbers.
    """
    found = (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    status, detail = next(found, FAILED)
    return refusal(status, detail, target, error)


def refusal(status: int, detail: str, target: bytes, error: BaseException | None = None) -> bytes:
    """Write a whole answer, after which the connection ends, and note it in the log."""
    request_id = token_hex(16)
    kind = None if error is None else type(error).__name__
    failure = error if status == HTTPStatus.INTERNAL_SERVER_ERROR else None
    log = failures if failure else rejections
    log.warning(
        "request rejected before routing",
        status=status,
        kind=kind,
        request_id=request_id,
        exc_info=failure,
    )
    before, after = _parts(status, detail, is_original=_path(target).startswith(ORIGINAL_PREFIX))
    own = f"Date: {http_date()}\r\n{REQUEST_ID}: {request_id}\r\n"
    return before + own.encode() + after


@cache
def _parts(status: int, detail: str, *, is_original: bool) -> tuple[bytes, bytes]:
    """Return what is the same in all such answers, before and after their own header lines."""
    media_type, body = _document(status, detail, is_original=is_original)
    headers = {
        "Connection": "close",
        "Content-Type": media_type,
        "Content-Length": str(len(body)),
        "Content-Security-Policy": NOTHING_ALLOWED,
        "Cache-Control": "no-store",
        **({"Retry-After": str(RETRY_AFTER)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}),
        **EVERYWHERE,
    }
    lines = [f"{name}: {value}" for name, value in headers.items()]
    begin = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    return begin.encode(), "\r\n".join([*lines, "", ""]).encode() + body


def _document(status: int, detail: str, *, is_original: bool) -> tuple[str, bytes]:
    if is_original:
        return "application/json", json.dumps({"code": -1, "msg": detail}).encode()
    phrase = HTTPStatus(status).phrase
    problem = {
        "type": TYPE_PREFIX + phrase.lower().replace(" ", "-"),
        "title": phrase,
        "status": status,
        "detail": detail,
    }
    return MEDIA_TYPE, json.dumps(problem).encode()


def _path(target: bytes) -> str:
    text = target.decode("latin-1")
    try:
        return text if text.startswith("/") else urlsplit(text).path
    except ValueError:
        return ""
