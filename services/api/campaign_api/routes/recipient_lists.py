"""/v1/recipient-lists: uploading lists, looking at them, deleting them."""

from typing import Any, NamedTuple

from flask import Request, Response, request, url_for
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.lists.importer.slots import ImportSlots
from campaign_api.lists.list_upload import ListUploads
from campaign_api.lists.recipient_lists import RecipientLists
from campaign_api.lists.upload_body import UploadBody
from campaign_api.lists.upload_form import FormFile, PlainFile, UploadedFile
from campaign_api.schemas.recipient_list import (
    ListPage,
    ListPageParameters,
    RecipientListDetail,
    RecipientPage,
    RecipientPageParameters,
    RejectPage,
    RejectPageParameters,
    UploadParameters,
    UploadRequest,
)
from campaign_api.web.caller import caller, require_scope
from campaign_api.web.http.paging import page_response
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.domain.api_key import Scope
from campaign_common.domain.recipient import ListId

CSV_TYPE = "text/csv"
FILE_TYPE = "application/octet-stream"
"""The type that the document has for a CSV as it is: generators of clients know no text/csv."""

PLAIN_TYPES = (CSV_TYPE, FILE_TYPE)
FORM_TYPE = "multipart/form-data"

LOCATION = {"Location": {"schema": {"type": "string"}, "description": "The list's own address."}}

REJECTS = {
    "description": "The rows, as CSV.",
    "content": {CSV_TYPE: {"schema": {"type": "string"}}},
}

FILE_AS_IT_IS = {"schema": {"type": "string", "format": "binary"}}

REQUEST_BODY = {
    "required": True,
    "content": {
        FILE_TYPE: FILE_AS_IT_IS,
        FORM_TYPE: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "name": {"type": "string", "minLength": 1, "maxLength": 255},
                },
            }
        },
    },
}


class UploadLimits(NamedTuple):
    """Bounds of uploads: bytes of one, and how many imports there are at a time."""

    most_bytes: int
    slots: ImportSlots


def resource(lists: RecipientLists, uploads: ListUploads, limits: UploadLimits) -> Resource:
    """Build the routes."""
    routes = Resource(
        "recipient lists",
        __name__,
        url_prefix="/v1/recipient-lists",
        description="Recipients from CSV files.",
    )

    @routes.post("")
    @routes.limit_concurrency(LimitedWork.UPLOAD)
    @routes.idempotent_stream
    @routes.arguments(UploadParameters, location="query")
    @routes.response(201, RecipientListDetail, headers=LOCATION)
    @routes.problems(400, 403, 408, 413, 415)
    @routes.doc(requestBody=REQUEST_BODY)
    def upload(wanted: UploadRequest) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Import a CSV file as a new list.

        The file is the body, as application/octet-stream or text/csv, or the part `file` of a
        form. It is imported as it arrives; nothing remains of an incomplete upload. The response
        has the first recipients as they were read. People who were erased are accepted and not
        sent to, unless they have reconsented. A repeated request with the same Idempotency-Key
        returns the list in its present state.
        """
        if wanted.reconsented:
            require_scope(Scope.ADMIN)
        kind = _kind(request)
        with limits.slots.upload():
            body = UploadBody(request.input_stream, request.content_length, limits.most_bytes)
            list_id = uploads.import_file(
                lambda: _open(kind, body, wanted.name),
                wanted.csv_format,
                idempotent_request(),
                caller().name if wanted.reconsented else None,
            )
        location = url_for("recipient lists.read", list_id=list_id)
        return lists.one(list_id), 201, {"Location": location}

    @routes.get("")
    @routes.arguments(ListPageParameters, location="query")
    @routes.response(200, ListPage)
    @routes.problems(422)
    def page(wanted: dict[str, Any]) -> Response:
        """List recipient lists, newest first."""
        return page_response(
            "recipient_lists", lists.page(wanted["limit"], *wanted.get("cursor", ()))
        )

    @routes.get("/<int:list_id>")
    @routes.response(200, RecipientListDetail)
    @routes.problems(404)
    def read(list_id: ListId) -> dict[str, Any]:
        """Return a recipient list."""
        return lists.one(list_id)

    @routes.get("/<int:list_id>/recipients")
    @routes.arguments(RecipientPageParameters, location="query")
    @routes.response(200, RecipientPage)
    @routes.problems(404, 422)
    def people(wanted: dict[str, Any], list_id: ListId) -> Response:
        """List the recipients of a list in the order of its file, or find one by number."""
        if "phone" in wanted:
            return page_response("recipients", lists.person(list_id, wanted["phone"]))
        after = wanted.get("cursor", ())
        return page_response("recipients", lists.people(list_id, wanted["limit"], *after))

    @routes.get("/<int:list_id>/rejects")
    @routes.arguments(RejectPageParameters, location="query")
    @routes.response(200, RejectPage)
    @routes.problems(404, 422)
    def rejected(wanted: dict[str, Any], list_id: ListId) -> Response:
        """List the rejected rows of a list, in the order of its file.

        A text is as it stands in the file, markup and formulas included: escape it where it is
        shown.
        """
        after = wanted.get("cursor", ())
        return page_response("rejects", lists.rejects(list_id, wanted["limit"], *after))

    @routes.get("/<int:list_id>/rejects.csv")
    @routes.limit_concurrency(LimitedWork.EXPORT)
    @routes.doc(responses={"200": REJECTS})
    @routes.problems(404)
    def rejects(list_id: ListId) -> Response:
        """Return the rejected rows as CSV: line, reason, text.

        A text that a spreadsheet would take for a formula begins with an apostrophe.
        """
        response = Response(lists.rejects_csv(list_id), content_type="text/csv; charset=utf-8")
        response.headers.set("Content-Disposition", "attachment", filename=f"rejects-{list_id}.csv")
        return response

    @routes.delete("/<int:list_id>")
    @routes.response(204)
    @routes.problems(404, 409)
    def delete(list_id: ListId) -> None:
        """Delete a list that no active campaign uses; the outcomes of its messages stay."""
        lists.delete(list_id)

    return routes


def _kind(request: Request) -> str:
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding != "identity":
        raise UnsupportedMediaType("Content-Encoding is not supported: send the file as it is")
    if request.mimetype not in (*PLAIN_TYPES, FORM_TYPE):
        raise UnsupportedMediaType(f"the body must be {CSV_TYPE}, {FILE_TYPE} or {FORM_TYPE}")
    return request.mimetype


def _open(kind: str, body: UploadBody, name: str | None) -> UploadedFile:
    if kind == FORM_TYPE:
        return FormFile(body, request.mimetype_params.get("boundary"), name)
    return PlainFile(body, name)
