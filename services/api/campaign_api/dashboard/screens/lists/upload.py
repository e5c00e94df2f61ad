"""S6, upload of a list: a form with a file, which is imported as it arrives."""

from flask import Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_fields
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import UploadBroken
from campaign_api.lists.importer.csv_format import ENCODINGS
from campaign_api.lists.upload_body import UploadBody
from campaign_api.lists.upload_form import NAME_FIELD, FormFile
from campaign_api.routes.recipient_lists import FORM_TYPE
from campaign_api.schemas.recipient_list import UploadParameters
from campaign_api.web.caller import Scope, caller, require_scope
from campaign_api.web.http.client_presence import is_gone
from campaign_api.web.idempotency.idempotent_requests import idempotent_request
from campaign_common.domain.recipient import ListId
from campaign_common.errors import UserError

FIELDS = (
    "delimiter",
    "encoding",
    "phone_column",
    "name_column",
    "default_region",
    "reconsented",
)
"""Parameters of POST /v1/recipient-lists that are fields of the form, before its file."""


class AttendedFile:
    """The file of a form, which is given up as soon as its browser has left: it was cancelled.

    Else a cancelled upload would go on until the rows that had arrived are stored.
    """

    def __init__(self, file: FormFile) -> None:
        self._file = file
        self.name = file.name

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the file.

        Raises:
            UploadBroken: the browser does not wait for the list any more.
            Exception: what the form raises.
        """
        self._require_browser()
        return self._file.read(size)

    def finish(self) -> str:
        """Read the form to its end and return the name; raise what `read` raises."""
        name = self._file.finish()
        self._require_browser()
        return name

    def _require_browser(self) -> None:
        if is_gone(request.environ):
            raise UploadBroken("the upload was cancelled; nothing of it is kept")


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the form, and what it is posted to."""
    limits = shown.upload_limits

    def show(problem: PageProblem | None = None, form: MultiDict[str, str] = NO_VALUES) -> Response:
        return pages.render(
            "lists/upload.html",
            problem=problem,
            form=form,
            most_bytes=limits.most_bytes,
            encodings=[(each, each) for each in ENCODINGS],
            delimiters=[
                (",", gettext("comma")),
                (";", gettext("semicolon")),
                ("|", gettext("vertical bar")),
                ("\t", gettext("tab")),
            ],
        )

    def import_form(typed: MultiDict[str, str]) -> ListId:
        if request.mimetype != FORM_TYPE:
            raise UnsupportedMediaType(f"the body must be {FORM_TYPE}")
        with limits.slots.upload():
            body = UploadBody(request.input_stream, request.content_length, limits.most_bytes)
            file = FormFile(body, request.mimetype_params.get("boundary"), None, FIELDS)
            typed.update({NAME_FIELD: file.name or "", **file.fields})
            wanted = read_fields(UploadParameters(), typed)
            if wanted.reconsented:
                require_scope(Scope.ADMIN)
            return shown.uploads.import_file(
                lambda: AttendedFile(file),
                wanted.csv_format,
                idempotent_request(),
                caller().name if wanted.reconsented else None,
            )

    @pages.page("/lists/upload", scope=Scope.WRITE)
    def new_list() -> Response:
        return show()

    @pages.upload("/lists/upload")
    def upload_list() -> Response:
        typed: MultiDict[str, str] = MultiDict()
        try:
            list_id = import_form(typed)
        except UserError as error:
            return show(page_problem(error), typed)
        return pages.see("recipient_list", list_id=list_id)
