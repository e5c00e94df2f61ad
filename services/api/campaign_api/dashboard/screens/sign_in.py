"""S1, sign-in: by an API key, or on the API's own machine while no key exists."""

from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import structlog
from flask import Response, request

from campaign_api.dashboard.access.visitors import Visitors
from campaign_api.dashboard.pages import DashboardPages, redirected
from campaign_api.dashboard.problems import PageProblem
from campaign_api.dashboard.render.languages import gettext
from campaign_api.errors import InsufficientScope, InvalidField, RequestInvalid, TooManyRequests
from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey
from campaign_common.store.access import web_sessions as store

PATH = "/sign-in"

MOST_FAILED = 10
"""Sign-ins of an address that may fail within a minute; further ones are not tried."""

log = structlog.get_logger(__name__)


class SignInAttempts:
    """Count of the sign-ins of an address that failed, in the database that all processes share."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, address: str) -> int:
        """Count a sign-in as failed before it is tried, and return what `forget` takes.

        So many at once are not more than one after the other.

        Raises:
            TooManyRequests: too many of this address failed within a minute; it is not counted.
        """
        failed_id = self._database.run(partial(store.insert_failed, address=address))
        with self._database.reading() as cursor:
            failed = store.count_failed(cursor, address)
        if failed.number > MOST_FAILED:
            self.forget(failed_id)
            message = gettext("Too many sign-ins failed from here. Try again in a minute.")
            raise TooManyRequests(message, failed.seconds)
        return failed_id

    def forget(self, failed_id: int) -> None:
        """Delete a sign-in that did not fail."""
        self._database.run(partial(store.delete_failed, failed_id=failed_id))


def register(pages: DashboardPages, visitors: Visitors, database: Database) -> None:
    """Register the page, its form, and the way out."""
    failures = SignInAttempts(database)

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
        failed_id = failures.begin(address_of(request.remote_addr or ""))
        shown = ApiKey.parse(request.form.get("key", "").strip())
        if not visitors.sign_in(shown, response):
            log.warning("sign-in failed", client=request.remote_addr)
            message = gettext("The API key is unknown, wrong or revoked")
            raise RequestInvalid([InvalidField("key", message)])
        failures.forget(failed_id)
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


def address_of(remote: str) -> str:
    """Return the address whose failures are counted together: for IPv6 the network of a host."""
    try:
        address = ip_address(remote)
    except ValueError:
        return remote[:64]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
