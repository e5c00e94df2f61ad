"""S1, sign-in by an OpenID provider: the way there, and the way back.

Both are links: a form that ends at another site is refused by the policy of the pages.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from flask import Response, request

from campaign_api.dashboard.access.attempts import SignInAttempts
from campaign_api.dashboard.access.client_address import ClientAddresses
from campaign_api.dashboard.access.visitors import Visitors
from campaign_api.dashboard.oidc.begun import SECONDS, BegunSignIn
from campaign_api.dashboard.oidc.errors import (
    ProviderUnavailable,
    SignInFailed,
    SignInNotBegun,
)
from campaign_api.dashboard.pages import DashboardPages, redirected
from campaign_api.dashboard.problems import PageProblem, title_of
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.screens.sign_in import local_path
from campaign_api.web.routing.view_metadata import LimitedWork

if TYPE_CHECKING:
    from campaign_api.dashboard.oidc.sign_in import OidcSignIn

PATH = "/sign-in/oidc"
BACK = "/sign-in/oidc/back"

SECURE_COOKIE = "__Host-camp-oidc"
PLAIN_COOKIE = "camp-oidc"

log = structlog.get_logger(__name__)


def register(
    pages: DashboardPages,
    oidc: "OidcSignIn",
    visitors: Visitors,
    attempts: SignInAttempts,
    addresses: ClientAddresses,
) -> None:
    """Register both."""
    is_secure = visitors.origin.is_secure
    cookie = SECURE_COOKIE if is_secure else PLAIN_COOKIE

    def lead(onward: str) -> Response:
        begun = BegunSignIn.new(onward)
        response = redirected(oidc.url(begun))
        response.set_cookie(
            cookie, begun.cookie, SECONDS, secure=is_secure, httponly=True, samesite="Lax"
        )
        return response

    def admit() -> Response:
        begun = BegunSignIn.of_cookie(request.cookies.get(cookie, ""))
        if begun is None or not begun.is_answered_by(request.args.get("state", "")):
            raise SignInNotBegun("this browser has not begun it, or too long ago")
        address = addresses.of(request)
        failed_id = attempts.begin(address)
        person = oidc.person(begun, request.args)
        attempts.forget(failed_id)
        response = redirected(local_path(begun.onward))
        visitors.sign_in_person(person, oidc.longest, response)
        log.info("signed in", person=person.id, scope=str(oidc.scope_of(person)))
        return response

    def carried_out(step: Callable[[], Response]) -> Response:
        try:
            return step()
        except SignInFailed as error:
            log.warning("sign-in failed", client=addresses.of(request), reason=str(error))
            problem = PageProblem(error.status, title_of(error.status), _words(error), {})
            return pages.render("sign_in_failed.html", problem=problem, again=PATH)

    @pages.page(PATH, needs_session=False, work=LimitedWork.SIGN_IN)
    def sign_in_by_oidc() -> Response:
        onward = local_path(request.args.get("next", ""))
        elsewhere = visitors.origin.public_address(request, request.full_path.rstrip("?"))
        if elsewhere is not None:
            return redirected(elsewhere)
        return carried_out(lambda: lead(onward))

    @pages.page(BACK, needs_session=False, work=LimitedWork.SIGN_IN)
    def sign_in_back() -> Response:
        response = carried_out(admit)
        response.delete_cookie(cookie, secure=is_secure, httponly=True, samesite="Lax")
        response.headers["Cache-Control"] = "no-store"
        return response


def redirect_uri(public_url: str) -> str:
    """Return the address that the provider sends people back to."""
    parts = urlsplit(public_url)
    return f"{parts.scheme}://{parts.netloc}{BACK}"


def _words(error: SignInFailed) -> str:
    """Return what a person is told; the log says more of what a person cannot change."""
    if isinstance(error, ProviderUnavailable):
        return gettext("The sign-in service does not answer. Try again in a moment.")
    if isinstance(error, SignInNotBegun):
        return gettext("This sign-in was not begun in this browser, or took too long. Try again.")
    return gettext("You were not let in: %(reason)s.") % {"reason": error}
