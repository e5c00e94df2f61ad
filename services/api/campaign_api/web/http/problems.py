"""Problem documents: the HTTP status and body of the response to each error.

Errors are RFC 9457 problem documents. The routes of the original system, below /v1/camp/, keep
its own form instead: `{"code": -1, "msg": …}`.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from math import ceil
from typing import Any, NamedTuple

import structlog
from flask import Flask, Response, jsonify, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, HTTPException

from campaign_api import errors
from campaign_api.web.http.bounded_text import bounded
from campaign_common.database.demands import unmet_demand
from campaign_common.errors import (
    CampaignError,
    ErasureHeld,
    RetryLater,
    StatementRefused,
    TemplateInvalid,
    TransitionRefused,
    UserError,
)
from campaign_common.planning import errors as planning

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:camp-mgr:problem:"
ORIGINAL_PREFIX = "/v1/camp/"

CHALLENGE = 'Bearer realm="camp-mgr"'
"""WWW-Authenticate of a 401 (RFC 6750)."""

LARGEST_PROBLEM = 16_384
"""Bytes of a problem document at most; it is stored for repeated requests."""

LONGEST_DETAIL = 2_048
LONGEST_FIELD = 128
LONGEST_MESSAGE = 448
"""Bytes of each text, as JSON writes it in ASCII."""

RETRY_AFTER = 5
"""Seconds in Retry-After when something is unavailable."""


class ProblemType(NamedTuple):
    """An HTTP status, and the last part of the `type`, which never changes."""

    status: int
    name: str


PROBLEM_TYPES: dict[type[CampaignError], ProblemType] = {
    errors.RequestMalformed: ProblemType(400, "malformed-request"),
    errors.RequestInvalid: ProblemType(422, "invalid-fields"),
    errors.PathRefused: ProblemType(400, "path-refused"),
    errors.CsvRefused: ProblemType(422, "invalid-recipient-list"),
    errors.UploadMalformed: ProblemType(400, "malformed-upload"),
    errors.UploadBroken: ProblemType(400, "incomplete-upload"),
    errors.UploadStalled: ProblemType(408, "upload-stalled"),
    errors.UploadTooLarge: ProblemType(413, "upload-too-large"),
    errors.NotFound: ProblemType(404, "not-found"),
    errors.NoSender: ProblemType(409, "no-sender"),
    errors.TooManyWebhooks: ProblemType(409, "too-many-webhooks"),
    errors.WebhookKeyMissing: ProblemType(409, "webhook-key-missing"),
    errors.ParquetMissing: ProblemType(501, "parquet-missing"),
    errors.ListInUse: ProblemType(409, "list-in-use"),
    errors.PreconditionFailed: ProblemType(412, "precondition-failed"),
    errors.IdempotencyKeyInUse: ProblemType(409, "idempotency-key-in-use"),
    errors.IdempotencyKeyReused: ProblemType(422, "idempotency-key-reused"),
    errors.Unauthenticated: ProblemType(401, "unauthenticated"),
    errors.InsufficientScope: ProblemType(403, "insufficient-scope"),
    errors.ErasureKeyMissing: ProblemType(503, "erasure-key-missing"),
    errors.TooManyRequests: ProblemType(429, "too-many-requests"),
    planning.PlanInvalid: ProblemType(422, "invalid-fields"),
    planning.TemplateUnfit: ProblemType(422, "invalid-template"),
    planning.CampaignUnknown: ProblemType(404, "not-found"),
    planning.CampaignStarted: ProblemType(409, "campaign-started"),
    planning.ListDeleted: ProblemType(409, "list-deleted"),
    planning.ImportAbandoned: ProblemType(503, "import-abandoned"),
    TemplateInvalid: ProblemType(400, "invalid-template"),
    ErasureHeld: ProblemType(409, "erasure-conflict"),
    TransitionRefused: ProblemType(409, "state-conflict"),
    RetryLater: ProblemType(503, "unavailable"),
    UserError: ProblemType(400, "refused"),
}
"""The most specific type of an error decides; an error of no type here is a 500."""

INTERNAL = ProblemType(500, "internal-error")

INTERNAL_DETAIL = "internal error; the log of the API service says more"

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Turn every error that leaves a route into a response in JSON."""
    app.register_error_handler(CampaignError, _respond_to_campaign_error)
    app.register_error_handler(HTTPException, _respond_to_http_error)
    app.register_error_handler(ClientDisconnected, _respond_to_broken_body)
    app.register_error_handler(ParseException, _respond_to_malformed_body)
    app.register_error_handler(Exception, _respond_to_unexpected)


def problem_response(
    problem: ProblemType, detail: str, extra: Mapping[str, Any] | None = None
) -> Response:
    """Build the response to a request that was refused or failed; `extra` are further members."""
    detail = bounded(detail, LONGEST_DETAIL)
    if request.path.startswith(ORIGINAL_PREFIX):
        response = jsonify(code=-1, msg=detail)
    else:
        response = jsonify(
            {
                "type": TYPE_PREFIX + problem.name,
                "title": HTTPStatus(problem.status).phrase,
                "status": problem.status,
                "detail": detail,
                **(extra or {}),
            }
        )
        response.content_type = MEDIA_TYPE
    response.status_code = problem.status
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    if problem.status in (429, 503):
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


class DescribedError(NamedTuple):
    """An error in words for clients; `extra` are further members of the problem document."""

    problem: ProblemType
    detail: str
    extra: Mapping[str, Any]


def described_error(error: CampaignError) -> DescribedError:
    """Describe an error, and log what is of no use to the client."""
    problem = next(
        (PROBLEM_TYPES[of] for of in type(error).__mro__ if of in PROBLEM_TYPES), INTERNAL
    )
    if problem is INTERNAL:
        log.error("request failed", exc_info=error)
        return DescribedError(problem, INTERNAL_DETAIL, {})
    if isinstance(error, RetryLater):
        known = not isinstance(error, StatementRefused) or unmet_demand(error) is not None
        log.warning(
            "request failed temporarily",
            reason=str(error),
            kind=type(error).__name__,
            exc_info=None if known else error,
        )
        return DescribedError(problem, _detail_of(error), {})
    return DescribedError(problem, str(error), _extra(error))


def _respond_to_campaign_error(error: CampaignError) -> Response:
    response = problem_response(*described_error(error))
    if isinstance(error, errors.TooManyRequests) and error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, ceil(error.retry_after)))
    return response


def _extra(error: CampaignError) -> Mapping[str, Any]:
    if isinstance(error, TransitionRefused):
        return {"state": error.state, "allowed": error.allowed}
    if isinstance(error, planning.PlanInvalid):
        return {"errors": [_field(error.field, error.message)]}
    if isinstance(error, errors.RequestInvalid):
        fields = [_field(wrong.field, wrong.message) for wrong in error.wrong]
        return {"errors": fields, **({"errors_omitted": error.unnamed} if error.unnamed else {})}
    return {}


def _field(field: str, message: str) -> Mapping[str, str]:
    return {"field": bounded(field, LONGEST_FIELD), "message": bounded(message, LONGEST_MESSAGE)}


def _detail_of(error: RetryLater) -> str:
    # What the driver says may name servers and users, which are nothing to clients.
    if isinstance(error, planning.CampaignBusy):
        return str(error)
    if demand := unmet_demand(error):
        return f"{demand.message}; see /readyz, and send the request again once that is changed"
    if isinstance(error, StatementRefused):
        return "the database refuses a statement; the log of the API service says more"
    return "the database is unavailable; send the request again later"


def _respond_to_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    name = HTTPStatus(status).phrase.lower().replace(" ", "-")
    response = problem_response(ProblemType(status, name), error.description or error.name)
    allowed: Iterable[str] | None = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(allowed)
    return response


def _respond_to_broken_body(_: ClientDisconnected) -> Response:
    """Respond to a body that stopped arriving; a client that is gone does not read it."""
    return problem_response(
        ProblemType(408, "request-timeout"), "the body did not arrive in time, or broke off"
    )


def _respond_to_malformed_body(_: ParseException) -> Response:
    """Respond to a body whose chunks are not as RFC 9112 has them."""
    return problem_response(
        ProblemType(400, "malformed-request"), "the body is not framed as HTTP has it"
    )


def _respond_to_unexpected(error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return problem_response(INTERNAL, INTERNAL_DETAIL)
