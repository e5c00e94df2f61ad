"""S1, sign-in: by an API key, or on the API's own machine while no key exists."""

from urllib.parse import urlsplit

import structlog
from flask import Response, request

from campaign_api.dashboard.access.attempts import SignInAttempts
from campaign_api.dashboard.access.client_address import ClientAddresses
from campaign_api.dashboard.access.visitors import Visitors
from campaign_api.dashboard.pages import DashboardPages, redirected
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.errors import InsufficientScope, InvalidField, RequestInvalid
from campaign_common.domain.api_key import ApiKey

PATH = "/sign-in"

log = structlog.get_logger(__name__)


def register(
    pages: DashboardPages, visitors: Visitors, attempts: SignInAttempts, addresses: ClientAddresses
) -> None:
    """Register the page, its form, and the way out."""

    def show(problem: PageProblem | None = None, form: object = None) -> Response:
        del form  # a key is typed again
        elsewhere = visitors.origin.sign_in_url(request)
        return pages.render(
            "sign_in.html",
            problem=problem,
            elsewhere=elsewhere,
            is_local=elsewhere is None and visitors.is_local(request),
            onward=local_path(request.values.get("next", "")),
        )

    def begin() -> Response:
        if visitors.origin.sign_in_url(request) is not None:
            raise InsufficientScope(gettext("Over plain http a key could be read on its way."))
        response = redirected(local_path(request.form.get("next", "")))
        if "locally" in request.form and visitors.is_local(request):
            visitors.sign_in_locally(response)
            return response
        address = addresses.of(request)
        failed_id = attempts.begin(address)
        shown = ApiKey.parse(request.form.get("key", "").strip())
        if not visitors.sign_in(shown, response):
            log.warning("sign-in failed", client=address)
            message = gettext("The API key is unknown, wrong or revoked")
            raise RequestInvalid([InvalidField("key", message)])
        attempts.forget(failed_id)
        return response

    @pages.page(PATH, needs_session=False)
    def sign_in() -> Response:
        return show()

    @pages.form(PATH, needs_session=False, refused=show)
    def sign_in_by_key() -> Response:
        return begin()

    @pages.form("/sign-out", needs_session=False)
    def sign_out() -> Response:
        response = redirected(PATH)
        visitors.sign_out(request, response)
        return response


def local_path(given: str) -> str:
    """Return a path of this site to go on to, `/` where another one is given."""
    parts = urlsplit(given)
    is_path = given.startswith("/") and not given.startswith(("//", "/\\")) and given.isprintable()
    return given if is_path and not parts.scheme and not parts.netloc else "/"
