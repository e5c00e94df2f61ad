"""Problems as pages show them: the words of the API, and the fields that they are about."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import NamedTuple, cast
from urllib.parse import urlencode

import structlog
from flask import Response, redirect, request
from werkzeug.exceptions import HTTPException, NotFound

from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.render.renderer import Renderer
from campaign_api.errors import Unauthenticated
from campaign_api.web.http.problems import RETRY_AFTER, described_error
from campaign_common.errors import CampaignError

FRAGMENT = "HX-Request"
"""The header of a request of htmx, which takes a part of a page."""

log = structlog.get_logger(__name__)


class PageProblem(NamedTuple):
    """A request that was refused or failed, in words."""

    status: int
    title: str
    detail: str
    fields: Mapping[str, str]
    """Messages by the name of a field."""
    retry_after: int | None = None
    """Seconds after which the request may be sent again."""

    def of(self, field: str) -> str | None:
        """Return the message about a field."""
        return self.fields.get(field)


def page_problem(error: CampaignError) -> PageProblem:
    """Describe an error as the API does."""
    described = described_error(error)
    fields = {each["field"]: each["message"] for each in described.extra.get("errors", ())}
    status = described.problem.status
    given = getattr(error, "retry_after", None)
    default = RETRY_AFTER if status in (429, 503) else None
    retry_after = default if given is None else max(1, ceil(given))
    return PageProblem(status, title_of(status), described.detail, fields, retry_after)


def title_of(status: int) -> str:
    """Return the heading of a page about a problem."""
    titles = {
        403: gettext("You may not do this"),
        404: gettext("There is no such page"),
        409: gettext("This is not possible now"),
        412: gettext("It was changed meanwhile"),
        422: gettext("There is a problem"),
        429: gettext("Too many requests"),
        500: gettext("Something failed"),
        503: gettext("This does not work at the moment"),
    }
    return titles.get(status) or HTTPStatus(status).phrase


def add_retry_after(response: Response, problem: PageProblem) -> None:
    """Say when the request may be sent again, if that is known."""
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)


class ProblemPages:
    """Pages about what was refused or failed."""

    def __init__(self, renderer: Renderer, sign_in_path: str) -> None:
        self._renderer = renderer
        self._sign_in_path = sign_in_path

    def show(self, problem: PageProblem) -> Response:
        """Return a page about a problem alone."""
        if FRAGMENT in request.headers:
            response = self._renderer.respond("problem_part.html", problem.status, problem=problem)
        else:
            response = self._renderer.respond("problem.html", problem.status, problem=problem)
        add_retry_after(response, problem)
        return response

    def unknown(self) -> Response:
        """Return the page for a path that there is nothing at."""
        detail = gettext("Check the address, or go to the overview.")
        return self.show(PageProblem(404, title_of(404), detail, {}))

    def respond(self, error: Exception) -> Response:
        """Return the page for an error that left a view."""
        if isinstance(error, Unauthenticated):
            return self._to_sign_in()
        if isinstance(error, CampaignError):
            return self.show(page_problem(error))
        if isinstance(error, NotFound):
            return self.unknown()
        if isinstance(error, HTTPException):
            status = error.code or 500
            return self.show(PageProblem(status, title_of(status), error.description or "", {}))
        log.error("request failed", exc_info=error)
        detail = gettext("The log of the API service says more.")
        return self.show(PageProblem(500, title_of(500), detail, {}))

    def _to_sign_in(self) -> Response:
        if FRAGMENT in request.headers:
            response = Response(status=401)
            response.headers["HX-Redirect"] = self._sign_in_path
            return response
        target = self._sign_in_path
        # A number of a person is no part of a query, which others log.
        if request.method == "GET" and "phone" not in (request.view_args or {}):
            onward = request.full_path.rstrip("?")
            target += "" if onward == "/" else f"?{urlencode({'next': onward})}"
        return cast("Response", redirect(target, 303))
