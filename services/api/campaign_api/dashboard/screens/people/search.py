"""S11, people: the search for one by number."""

from flask import Response, request
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import NO_VALUES, DashboardPages, read_fields
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.screens.people.numbers import PersonForm, require_digits
from campaign_api.web.caller import Scope


def register(pages: DashboardPages) -> None:
    """Register the page, and what its form is posted to: a query, which others log, has no number.

    The form has no key: it changes nothing, and an answer that is kept for it would have the
    number, also after the person is erased.
    """

    def show(problem: PageProblem | None = None, form: MultiDict[str, str] = NO_VALUES) -> Response:
        return pages.render(
            "people/search.html",
            problem=problem,
            form=form,
            erasure=request.args.get("erasure", type=int),
            remaining=request.args.get("remaining", "").split(" "),
            leaves_hash=request.args.get("hash") != "no",
        )

    @pages.page("/people", entry="People", rank=50)
    def people() -> Response:
        return show()

    @pages.form("/people", scope=Scope.READ, refused=show, keyed=False)
    def find_person() -> Response:
        wanted = read_fields(PersonForm(), request.form)
        return pages.see(
            "person", phone=require_digits(wanted["phone"], wanted.get("default_region"))
        )
