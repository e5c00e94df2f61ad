"""S6 and S7, recipient lists: the table of them, one of them, its rejects, its deletion."""

from typing import Any

from flask import Response, request
from marshmallow import Schema
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import DashboardPages, read_fields, url
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.errors import RequestInvalid
from campaign_api.lists.recipient_lists import RecipientLists
from campaign_api.lists.rejected_cells import wrong_cells
from campaign_api.schemas.recipient_list import ListPageParameters, RejectPageParameters
from campaign_api.web.caller import Scope
from campaign_api.web.http.paging import Page, encode
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.domain.recipient import ListId

LIMIT = 50
"""Lists of one page."""

REJECTS = 100
"""Rejected rows of one page."""


def register(pages: DashboardPages, stored: RecipientLists) -> None:
    """Register the pages of lists, and the form that deletes one."""

    def show(
        list_id: ListId, problem: PageProblem | None = None, **of_the_form: object
    ) -> Response:
        del of_the_form  # it has nothing that was typed
        return pages.render("lists/list.html", problem=problem, shown=stored.one(list_id))

    @pages.page("/lists", entry="Lists", rank=40)
    def lists() -> Response:
        after, problem = _read_cursor(ListPageParameters())
        found = stored.page(LIMIT, *after)
        return pages.render(
            "lists/lists.html", problem=problem, lists=found.items, **_links("lists", after, found)
        )

    @pages.page("/lists/<int:list_id>")
    def recipient_list(list_id: ListId) -> Response:
        return show(list_id)

    @pages.page("/lists/<int:list_id>/rejects")
    def list_rejects(list_id: ListId) -> Response:
        after, problem = _read_cursor(RejectPageParameters())
        shown = stored.one(list_id)
        found = stored.rejects(list_id, REJECTS, *after)
        cells = wrong_cells(found.items, len(shown["columns"]), shown["header"])
        return pages.render(
            "lists/rejects.html",
            problem=problem,
            shown=shown,
            rejects=list(zip(found.items, cells, strict=True)),
            **_links("list_rejects", after, found, list_id=list_id),
        )

    @pages.page("/lists/<int:list_id>/rejects.csv", work=LimitedWork.EXPORT)
    def export_rejects(list_id: ListId) -> Response:
        text = stored.rejects_csv(list_id)
        response = Response(text, content_type="text/csv; charset=utf-8")
        response.headers.set("Content-Disposition", "attachment", filename=f"rejects-{list_id}.csv")
        response.headers["Cache-Control"] = "no-store"
        return response

    @pages.page("/lists/<int:list_id>/delete", scope=Scope.WRITE)
    def ask_to_delete(list_id: ListId) -> Response:
        return pages.render("lists/delete.html", shown=stored.one(list_id))

    @pages.form("/lists/<int:list_id>/delete", refused=show)
    def delete_list(list_id: ListId) -> Response:
        stored.delete(list_id)
        return pages.see("lists")


def _read_cursor(schema: Schema) -> tuple[Any, PageProblem | None]:
    """Return the key after which the page begins; a wrong cursor is a problem of the first page."""
    try:
        return read_fields(schema, MultiDict(request.args)).get("cursor", ()), None
    except RequestInvalid as error:
        return (), page_problem(error)


def _links(endpoint: str, after: Any, found: Page, **arguments: int) -> dict[str, Any]:  # noqa: ANN401
    """Return the paths of the first page and of the next one, where there are such."""
    key = found.next_key
    return {
        "first": url(endpoint, **arguments) if after else None,
        "next": None if key is None else url(endpoint, cursor=encode(key), **arguments),
    }
