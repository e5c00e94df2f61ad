"""Which HTTP status an error gets, and what the client is told of it."""

import structlog
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from campaign_api import refusals
from campaign_common.errors import (
    CampaignError,
    RetryLater,
    TemplateInvalid,
    TransitionRefused,
    UserError,
)

RETRY_AFTER = 5
"""Seconds after which a client may ask again when something is unavailable."""

STATUSES: dict[type[CampaignError], int] = {
    refusals.RequestMalformed: 400,
    refusals.PathRefused: 400,
    refusals.CsvRefused: 422,
    refusals.CampaignStarted: 409,
    refusals.CampaignUnknown: 404,
    refusals.ImportAbandoned: 503,
    TemplateInvalid: 400,
    TransitionRefused: 409,
    RetryLater: 503,
    UserError: 400,
}
"""The most specific type of an error decides; an error of no type here is a 500."""

log = structlog.get_logger(__name__)


def answer(status: int, message: str) -> Response:
    """Build the answer to a request that was refused or failed."""
    response = jsonify(code=-1, msg=message)
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def register(app: Flask) -> None:
    """Let every error that leaves a route become an answer in JSON."""
    app.register_error_handler(CampaignError, _answer_campaign_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer_campaign_error(error: CampaignError) -> Response:
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    if status == 500:
        return _answer_unexpected(error)
    if isinstance(error, RetryLater):
        log.warning("request given up", reason=str(error), kind=type(error).__name__)
        return answer(status, _told(error))
    return answer(status, str(error))


def _told(error: RetryLater) -> str:
    # What the driver says may name servers and users, which are nothing to clients.
    if isinstance(error, refusals.CampaignBusy):
        return str(error)
    return "the database is unavailable; send the request again later"


def _answer_http_error(error: HTTPException) -> Response:
    response = answer(error.code or 500, error.description or error.name)
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(allowed)
    return response


def _answer_unexpected(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return answer(500, "internal error; the log of the API service says more")
