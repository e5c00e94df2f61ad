"""/v1/suppressions: people who do not want to be written to."""

from typing import Any

import structlog
from flask import Request, Response, request
from marshmallow import ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.lists.importer.csv_format import CsvFormat
from campaign_api.lists.upload_body import UploadBody
from campaign_api.routes.recipient_lists import (
    CSV_TYPE,
    FILE_AS_IT_IS,
    FILE_TYPE,
    PLAIN_TYPES,
    UploadLimits,
)
from campaign_api.schemas.phone import PATH_PARAMETER, digits_of
from campaign_api.schemas.suppression import (
    ImportedSchema,
    ImportParameters,
    PersonParameters,
    RemovalParameters,
    SuppressedPersonSchema,
    SuppressionBody,
    SuppressionFilterParameters,
    SuppressionPageParameters,
    SuppressionPageSchema,
    SuppressionSchema,
)
from campaign_api.suppressions.suppression_import import Defaults, SuppressionImport
from campaign_api.suppressions.suppression_records import SuppressionRecords
from campaign_api.web.caller import caller
from campaign_api.web.http.paging import page_response
from campaign_api.web.routing.resource import Decorator, Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.domain.api_key import Scope
from campaign_common.store.suppressions.listing import SuppressionPosition
from campaign_common.store.suppressions.suppressions import Suppression

EXPORT = {
    "description": "The suppressions, as CSV.",
    "content": {CSV_TYPE: {"schema": {"type": "string"}}},
}

log = structlog.get_logger(__name__)


REQUEST_BODY = {"required": True, "content": {FILE_TYPE: FILE_AS_IT_IS}}


def resource(
    records: SuppressionRecords, imports: SuppressionImport, limits: UploadLimits
) -> Resource:
    """Build the routes."""
    routes = Resource(
        "suppressions",
        __name__,
        url_prefix="/v1",
        description="People who do not want to be written to.",
    )
    of_person: Decorator = routes.route(
        "/suppressions/<phone>", methods=["GET"], parameters=[PATH_PARAMETER]
    )
    removal: Decorator = routes.route(
        "/suppressions/<phone>", methods=["DELETE"], parameters=[PATH_PARAMETER]
    )

    @routes.get("/suppressions")
    @routes.arguments(SuppressionPageParameters, location="query")
    @routes.response(200, SuppressionPageSchema)
    @routes.problems(422)
    def page(parameters: dict[str, Any]) -> Response:
        """List suppressions in the order of their numbers.

        A page ends after 50,000 rows, however few of them match: it may be short or empty;
        continue with `next_cursor`. Those of people who were erased have no number, and are only
        counted.
        """
        after = SuppressionPosition(*parameters["cursor"])
        wanted = parameters["wanted"]
        found = records.page(wanted, parameters["limit"], after)
        hashed = records.count_hashed(wanted) if after == SuppressionPosition() else None
        return page_response("suppressions", found, hashed=hashed)

    @routes.get("/suppressions.csv")
    @routes.limit_concurrency(LimitedWork.EXPORT)
    @routes.arguments(SuppressionFilterParameters, location="query")
    @routes.doc(responses={"200": EXPORT})
    @routes.problems(422)
    def export(parameters: dict[str, Any]) -> Response:
        """Return suppressions as CSV.

        A cell that a spreadsheet would run as a formula begins with an apostrophe. When an error
        interrupts the file, the connection ends without the last chunk. Those of people who were
        erased have no number, and are left out.
        """
        text = records.csv(parameters["wanted"])
        response = Response(text, content_type="text/csv; charset=utf-8")
        response.headers.set("Content-Disposition", "attachment", filename="suppressions.csv")
        return response

    @routes.post("/suppressions")
    @routes.arguments(SuppressionBody)
    @routes.response(200, SuppressionSchema)
    @routes.problems(400, 403, 413, 415, 422)
    def add(suppression: Suppression) -> dict[str, Any]:
        """Add a suppression, or replace what is said of one.

        No message of a campaign that it applies to is sent to the person later than 2 s after the
        response. Repeating the request is harmless; `since` stays the earliest time. To give one
        that exists an earlier `until` needs the scope admin, as removing it does.
        """
        may_shorten = caller().scope.allows(Scope.ADMIN)
        described = records.put(suppression, caller().name, may_shorten=may_shorten)
        log.info("suppression added", scope=suppression.scope, key=caller().name)
        return described

    @routes.post("/suppressions.csv")
    @routes.limit_concurrency(LimitedWork.UPLOAD)
    @routes.arguments(ImportParameters, location="query")
    @routes.response(200, ImportedSchema)
    @routes.problems(400, 408, 413, 415, 422)
    @routes.doc(requestBody=REQUEST_BODY)
    def import_file(parameters: dict[str, Any]) -> dict[str, Any]:
        """Import a CSV file with a column phone, and any of the other fields of a suppression.

        The file is the body, as application/octet-stream or text/csv. Rows are stored as they
        arrive, and stay if the upload breaks off. A suppression that exists stays as it is; its
        `until` never gets earlier. No message that one of the file applies to is sent later than
        2 s after the response. The file can be imported again.
        """
        require_plain_csv(request)
        with limits.slots.upload():
            body = UploadBody(request.input_stream, request.content_length, limits.most_bytes)
            csv_format = CsvFormat(default_region=parameters.pop("default_region", None))
            done = imports.run(body, csv_format, Defaults(**parameters), caller().name)
        log.info(
            "suppressions imported",
            accepted=done["accepted"],
            rejected=done["rejected"],
            key=caller().name,
        )
        return done

    @of_person
    @routes.arguments(PersonParameters, location="query")
    @routes.response(200, SuppressedPersonSchema)
    @routes.problems(422)
    def one(parameters: dict[str, Any], phone: str) -> dict[str, Any]:
        """Return the suppressions of a person, also those that are over, and their changes."""
        return records.of_person(_digits(phone, parameters))

    @removal
    @routes.requires(Scope.ADMIN)
    @routes.arguments(RemovalParameters, location="query")
    @routes.response(204)
    @routes.problems(404, 422)
    def remove(parameters: dict[str, Any], phone: str) -> None:
        """Remove a suppression, also of a person who was erased: the person is written to again.

        Messages that ended as suppressed stay so; they can be retried by hand.
        """
        scope = parameters["scope"]
        records.remove(_digits(phone, parameters), scope, caller().name)
        log.info("suppression removed", scope=scope, key=caller().name)

    return routes


def require_plain_csv(wanted: Request) -> None:
    """Require a body that is CSV as it is.

    Raises:
        UnsupportedMediaType: it is something else, or compressed.
    """
    coding = wanted.headers.get("Content-Encoding", "identity").strip().lower()
    if coding != "identity" or wanted.mimetype not in PLAIN_TYPES:
        raise UnsupportedMediaType(f"the body must be {CSV_TYPE} or {FILE_TYPE}, not compressed")


def _digits(phone: str, parameters: dict[str, Any]) -> str:
    try:
        return digits_of(phone, parameters.get("default_region"))
    except ValidationError as error:
        raise RequestInvalid([InvalidField("phone", str(error.messages[0]))]) from None
