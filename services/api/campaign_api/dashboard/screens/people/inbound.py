"""Inbound messages: newest first, by keyword, provider and time."""

from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.pages import DashboardPages, read_fields, url
from campaign_api.dashboard.problems import PageProblem, page_problem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.screens.people.changes import with_zone
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import RequestInvalid
from campaign_api.schemas.people.inbound import WORDS, InboundPageParameters
from campaign_api.web.http.paging import encode

LIMIT = 50
"""Messages of one page."""

FILTERS = ("unsure", "keyword", "provider", "since")


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page."""

    def show(
        parameters: dict[str, Any], given: dict[str, str], problem: PageProblem | None = None
    ) -> Response:
        after = parameters["after"]
        found = shown.people.inbound.page(parameters["wanted"], after, LIMIT)
        next_ = None if found.next_key is None else encode(found.next_key)
        return pages.render(
            "people/inbound.html",
            problem=problem,
            inbound=found.items,
            wanted=given,
            keywords=[("", gettext("any")), *((each, each.upper()) for each in WORDS)],
            unsure=[
                ("", gettext("any")),
                ("true", gettext("to be read by a person")),
                ("false", gettext("others")),
            ],
            first=url("inbound", **given) if after else None,
            next=url("inbound", **given, cursor=next_) if next_ else None,
        )

    @pages.page("/inbound", entry="Inbound", rank=55)
    def inbound() -> Response:
        # A number is searched for among people: no query has one.
        schema = InboundPageParameters(exclude=("phone",))
        fields = MultiDict(request.args)
        given = {name: fields[name] for name in FILTERS if fields.get(name)}
        fields["since"] = with_zone(fields.get("since", ""))
        try:
            return show(read_fields(schema, fields), given)
        except RequestInvalid as error:
            return show(schema.load({}, unknown=EXCLUDE), given, page_problem(error))
