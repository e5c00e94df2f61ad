"""S12, suppressions: a table with filters; lift, export."""

from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_fields, url
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.screens.people.changes import lift
from campaign_api.dashboard.screens.people.person import suggested_scopes
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import RequestInvalid
from campaign_api.schemas.suppression import (
    SuppressionFilterParameters,
    SuppressionPageParameters,
)
from campaign_api.web.caller import Scope
from campaign_api.web.http.paging import encode
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.store.suppressions.listing import SuppressionPosition

LIMIT = 50
"""Suppressions of one page."""

START = SuppressionPosition()


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the table, the export, and the form that lifts one.

    The cursor of a page has a number: the next page is asked for by a form, and not by a query,
    which others log.
    """
    records = shown.people.suppressions

    def render(
        parameters: dict[str, Any], given: MultiDict[str, str], problem: PageProblem | None = None
    ) -> Response:
        after = SuppressionPosition(*parameters["cursor"])
        wanted = parameters["wanted"]
        found = records.page(wanted, LIMIT, after)
        filters = wanted._asdict()
        return pages.render(
            "people/suppressions.html",
            problem=problem,
            suppressions=found.items,
            hashed=records.count_hashed(wanted) if after == START else 0,
            filters={name: value for name, value in filters.items() if value is not None},
            wanted={name: given.get(name, "") for name in filters},
            export=url("export_suppressions", **filters),
            first=url("suppressions", **filters) if after != START else None,
            next=None if found.next_key is None else encode(found.next_key),
            done=request.args.get("done"),
            scopes=suggested_scopes(shown),
        )

    def show(given: MultiDict[str, str]) -> Response:
        schema = SuppressionPageParameters()
        try:
            return render(read_fields(schema, given), given)
        except RequestInvalid as error:
            return render(schema.load({}, unknown=EXCLUDE), given, page_problem(error))

    @pages.page("/suppressions", entry="Suppressions", rank=60)
    def suppressions() -> Response:
        given = MultiDict(request.args)
        given.pop("cursor", None)
        return show(given)

    @pages.form("/suppressions", scope=Scope.READ, keyed=False)
    def further_suppressions() -> Response:
        return show(request.form)

    @pages.page("/suppressions.csv", work=LimitedWork.EXPORT)
    def export_suppressions() -> Response:
        wanted = read_fields(SuppressionFilterParameters(), MultiDict(request.args))["wanted"]
        response = Response(records.csv(wanted), content_type="text/csv; charset=utf-8")
        response.headers.set("Content-Disposition", "attachment", filename="suppressions.csv")
        response.headers["Cache-Control"] = "no-store"
        return response

    def refuse_lift(problem: PageProblem, form: MultiDict[str, str]) -> Response:
        del form  # its button has nothing that was typed
        return render(SuppressionPageParameters().load({}), NO_VALUES, problem)

    @pages.form("/suppressions/lift", refused=refuse_lift)
    def lift_suppression() -> Response:
        lift(records, request.form)
        return pages.see("suppressions", done="lift")
