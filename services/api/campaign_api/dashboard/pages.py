"""Registration of pages: path, scope, place in the navigation; forms, and their refusal."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, cast

from flask import Blueprint, Response, redirect, request, url_for
from marshmallow import EXCLUDE, Schema, ValidationError
from werkzeug.datastructures import MultiDict

from campaign_api.dashboard.problems import PageProblem, add_retry_after, page_problem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.render.renderer import Renderer
from campaign_api.errors import IdempotencyKeyReused, RequestInvalid
from campaign_api.web.caller import Scope
from campaign_api.web.http.request_reader import invalid_fields
from campaign_api.web.idempotency.idempotent_requests import FORM_FIELD
from campaign_api.web.routing.view_metadata import (
    IdempotencyMode,
    LimitedWork,
    idempotent,
    limited,
    logged_at_debug,
    page,
    requires_scope,
)
from campaign_common.errors import UserError

BLUEPRINT = "dashboard"

PageView = Callable[..., Any]

NO_VALUES: MultiDict[str, str] = MultiDict()


class NavigationEntry(NamedTuple):
    """A link in the navigation, for those whose scope is enough."""

    endpoint: str
    text: str
    scope: Scope
    rank: int


class DashboardPages:
    """The pages of the dashboard; screens register theirs here.

    The function under a decorator has the name by which `see` and `url` know it.
    """

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer
        self.blueprint = Blueprint(BLUEPRINT, __name__)
        self.navigation: list[NavigationEntry] = []
        self.open_to_visitors: set[str] = set()
        """Endpoints that need no session."""
        self._refusals: dict[str, PageView] = {}
        self.blueprint.register_error_handler(IdempotencyKeyReused, self._show_again)
        renderer.add_globals(url=url, navigation=self.navigation)

    def page(
        self,
        rule: str,
        *,
        scope: Scope = Scope.READ,
        entry: str | None = None,
        rank: int = 100,
        work: LimitedWork | None = None,
        needs_session: bool = True,
        asked_often: bool = False,
    ) -> Callable[[PageView], PageView]:
        """Register a GET page or fragment; `entry` is its text in the navigation, by `rank`.

        `work` takes long, and has a limit of its own at a time. What open pages ask for again and
        again is `asked_often`.
        """

        def register(view: PageView) -> PageView:
            marked = page(requires_scope(scope)(view))
            if asked_often:
                marked = logged_at_debug(marked)
            if work is not None:
                marked = limited(work)(marked)
            endpoint = view.__name__
            self.blueprint.add_url_rule(rule, endpoint, marked, methods=["GET"])
            if entry is not None:
                self.navigation.append(NavigationEntry(endpoint, entry, scope, rank))
                self.navigation.sort(key=lambda each: each.rank)
            if not needs_session:
                self.open_to_visitors.add(f"{BLUEPRINT}.{endpoint}")
            return view

        return register

    def form(
        self,
        rule: str,
        *,
        scope: Scope = Scope.WRITE,
        refused: PageView | None = None,
        needs_session: bool = True,
        keyed: bool = True,
        shows_secret: bool = False,
    ) -> Callable[[PageView], PageView]:
        """Register what a form is posted to; it is carried out once for each of its keys.

        Without keys (`keyed`) it is carried out each time: for what changes nothing.
        `shows_secret`: what it answers is a page with a secret, which is stored nowhere.

        What the view refuses is shown by `refused(problem, form, **arguments of the path)`, as a
        rule the page that has the form, with what was typed; without `refused` on a page alone.
        """

        def register(view: PageView) -> PageView:
            @wraps(view)
            def carry_out(**arguments: Any) -> Any:  # noqa: ANN401 - what views return
                try:
                    return view(**arguments)
                except UserError as error:
                    if refused is None:
                        raise
                    return refused(problem=page_problem(error), form=request.form, **arguments)

            marked = page(requires_scope(scope)(carry_out))
            endpoint = view.__name__
            if needs_session and keyed:
                mode = IdempotencyMode.FORM_NOT_STORED if shows_secret else IdempotencyMode.FORM
                marked = idempotent(mode)(marked)
            if not needs_session:
                self.open_to_visitors.add(f"{BLUEPRINT}.{endpoint}")
            if refused is not None:
                self._refusals[f"{BLUEPRINT}.{endpoint}"] = refused
            self.blueprint.add_url_rule(rule, endpoint, marked, methods=["POST"])
            return view

        return register

    def _show_again(self, error: IdempotencyKeyReused) -> Response:
        """Show a form again that was sent, changed in the browser's history, and sent once more.

        It has another key then, so that the next time it is carried out.

        Raises:
            IdempotencyKeyReused: the form has no page of its own.
        """
        refused = self._refusals.get(request.endpoint or "")
        if refused is None:
            raise error
        detail = gettext(
            "This form was sent before with other content, which holds. Nothing was changed now."
            " To have it as it is below, send it again."
        )
        problem = page_problem(error)._replace(detail=detail, fields={})
        shown: Response = refused(problem=problem, form=request.form, **(request.view_args or {}))
        return shown

    def upload(self, rule: str, *, scope: Scope = Scope.WRITE) -> Callable[[PageView], PageView]:
        """Register what a form with a file is posted to; its view reads the body as it arrives.

        The key is in the query, as it is needed before the form is read: the form's action is
        `url(name, idempotency_key=form_key(name))`. The view shows what it refuses itself.
        """

        def register(view: PageView) -> PageView:
            marked = limited(LimitedWork.UPLOAD)(page(requires_scope(scope)(view)))
            marked = idempotent(IdempotencyMode.STREAMED_FORM)(marked)
            self.blueprint.add_url_rule(rule, view.__name__, marked, methods=["POST"])
            return view

        return register

    def render(self, template: str, status: int = 200, **values: object) -> Response:
        """Return a page; `problem` and `form` are there for a form that was refused."""
        values = {"problem": None, "form": NO_VALUES, **values}
        problem = values["problem"]
        if isinstance(problem, PageProblem):
            status = problem.status
        response = self.renderer.respond(template, status, **values)
        if isinstance(problem, PageProblem):
            add_retry_after(response, problem)
        return response

    def see(self, endpoint: str, **arguments: object) -> Response:
        """Send the browser to a page, after a form was carried out."""
        return redirected(url(endpoint, **arguments))


def url(endpoint: str, **arguments: Any) -> str:  # noqa: ANN401 - Flask's own
    """Return the path of a page by the name of its function; arguments of None are left out."""
    return url_for(
        f"{BLUEPRINT}.{endpoint}", **{k: v for k, v in arguments.items() if v is not None}
    )


def redirected(target: str) -> Response:
    """Send the browser to a path by GET."""
    return cast("Response", redirect(target, 303))


def read_fields(schema: Schema, given: MultiDict[str, str]) -> Any:  # noqa: ANN401 - what it loads
    """Read a form, or the query of a page, by a schema of the API; empty fields are left out.

    Fields that the schema does not have are left out too, such as that of the form's key.

    Raises:
        RequestInvalid: a field is missing or wrong.
    """
    values = {
        name: value.replace("\r\n", "\n")
        for name, value in given.items()
        if value != "" and name != FORM_FIELD
    }
    return read_values(schema, values)


def read_values(schema: Schema, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - as above
    """Read values that were made of a form by a schema of the API; raise as `read_fields` does."""
    try:
        return schema.load(values, unknown=EXCLUDE)
    except ValidationError as error:
        raise RequestInvalid(list(invalid_fields(error.messages_dict))) from error
