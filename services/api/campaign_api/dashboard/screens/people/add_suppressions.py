"""S12, adding suppressions: one by a form, many by a file that a browser sends."""

from typing import Any

import structlog
from flask import Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType

from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_fields
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.screens.people.changes import suppress
from campaign_api.dashboard.screens.people.person import suggested_scopes
from campaign_api.dashboard.shown import Shown
from campaign_api.lists.importer.csv_format import CsvFormat
from campaign_api.lists.upload_body import UploadBody
from campaign_api.lists.upload_form import FormFile
from campaign_api.schemas.suppression import ImportParameters
from campaign_api.suppressions.suppression_import import Defaults
from campaign_api.web.caller import Scope, caller
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.errors import UserError

FORM_TYPE = "multipart/form-data"

FIELDS = frozenset({"scope", "reason", "source", "default_region"})
"""Fields of the form that precede its file."""

log = structlog.get_logger(__name__)


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page, and what its forms are posted to.

    That with a file has no key: the body is read as it comes, and a file can be imported again.
    """

    def show(
        problem: PageProblem | None = None,
        form: MultiDict[str, str] = NO_VALUES,
        of_file: MultiDict[str, str] = NO_VALUES,
        imported: dict[str, Any] | None = None,
    ) -> Response:
        return pages.render(
            "people/add_suppressions.html",
            problem=problem,
            form=form,
            of_file=of_file,
            imported=imported,
            scopes=suggested_scopes(shown),
        )

    @pages.page("/suppressions/add", scope=Scope.WRITE)
    def ask_to_suppress() -> Response:
        return show()

    @pages.form("/suppressions/add", refused=show)
    def add_suppression() -> Response:
        suppress(shown.people.suppressions, request.form)
        return pages.see("suppressions", done="suppress")

    @pages.form("/suppressions/import", keyed=False, work=LimitedWork.UPLOAD)
    def import_suppressions() -> Response:
        given: MultiDict[str, str] = MultiDict()
        try:
            if request.mimetype != FORM_TYPE:
                raise UnsupportedMediaType(f"the body must be {FORM_TYPE}")
            with shown.uploads.slots.upload():
                body = UploadBody(
                    request.input_stream, request.content_length, shown.uploads.most_bytes
                )
                boundary = request.mimetype_params.get("boundary")
                file = FormFile(body, boundary, "", others=FIELDS)
                given = MultiDict(file.fields)
                fields = read_fields(ImportParameters(), given)
                csv_format = CsvFormat(default_region=fields.pop("default_region", None))
                run = shown.suppression_import.run
                imported = run(file, csv_format, Defaults(**fields), caller().name)
        except UserError as error:
            return show(problem=_of_the_file(page_problem(error)), of_file=given)
        log.info(
            "suppressions imported",
            accepted=imported["accepted"],
            rejected=imported["rejected"],
            key=caller().name,
        )
        return show(imported=imported, of_file=given)


def _of_the_file(problem: PageProblem) -> PageProblem:
    """Name the fields as the page does, which has another form with the same fields."""
    fields = {f"file-{name}": message for name, message in problem.fields.items()}
    return problem._replace(fields=fields)
