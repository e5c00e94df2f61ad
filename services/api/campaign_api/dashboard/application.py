"""The dashboard in the application: its pages, who may see them, and how they answer."""

from typing import TYPE_CHECKING

from flask import Response, current_app, g, request
from werkzeug.exceptions import NotFound

from campaign_api.dashboard.access.attempts import SignInAttempts
from campaign_api.dashboard.access.client_address import ClientAddresses
from campaign_api.dashboard.access.origin import DashboardOrigin
from campaign_api.dashboard.access.sessions import Sessions
from campaign_api.dashboard.access.visitors import Visitors
from campaign_api.dashboard.pages import BLUEPRINT, DashboardPages
from campaign_api.dashboard.problems import ProblemPages
from campaign_api.dashboard.render.renderer import Renderer
from campaign_api.dashboard.render.static_files import PREFIX, StaticFiles
from campaign_api.dashboard.screens import overview, sign_in, sign_in_oidc
from campaign_api.dashboard.screens.campaigns import calendar, campaign, campaigns, messages
from campaign_api.dashboard.screens.lists import lists, upload
from campaign_api.dashboard.screens.new_campaign import (
    check_step,
    confirm_step,
    list_step,
    message_step,
    time_step,
)
from campaign_api.dashboard.screens.people import (
    add_suppressions,
    inbound,
    person,
    search,
    suppressions,
)
from campaign_api.dashboard.screens.settings import api_keys, audit, providers, webhooks
from campaign_api.dashboard.shown import Shown
from campaign_api.errors import InsufficientScope, Unauthenticated
from campaign_api.web.auth.authentication import Authentication
from campaign_api.web.caller import caller
from campaign_api.web.limits.rate_limit import RateLimit
from campaign_api.web.routing.application import BODILESS, Application, Environ
from campaign_api.web.routing.security_headers import API_PREFIX
from campaign_api.web.routing.view_metadata import is_page, open_to_all, scope_required
from campaign_common.database import Databases
from campaign_common.settings import Settings

if TYPE_CHECKING:
    from campaign_api.dashboard.oidc.sign_in import OidcSignIn


class Dashboard:
    """The dashboard of an application."""

    def __init__(
        self,
        settings: Settings,
        databases: Databases,
        authentication: Authentication,
        limit: RateLimit,
    ) -> None:
        self._is_on = settings.dashboard != "off"
        self._limit = limit
        self._attempts = SignInAttempts(databases.main)
        self._addresses = ClientAddresses(settings.trusted_proxies)
        self._static = StaticFiles()
        self._renderer = Renderer(self._static)
        self._pages = DashboardPages(self._renderer)
        self._oidc = _oidc_of(settings)
        self._visitors = Visitors(
            Sessions(databases.main),
            authentication,
            DashboardOrigin(settings.public_url),
            (lambda _: None) if self._oidc is None else self._oidc.scope_of,
        )
        self._problems = ProblemPages(self._renderer, sign_in.PATH)
        self._renderer.add_globals(
            installation=settings.name,
            need_sign_in=self._visitors.need_sign_in,
            visitor=caller,
            oidc=None if self._oidc is None else self._oidc.name,
        )

    def answer_unknown_paths(self, app: Application) -> None:
        """Show browsers a page where there is none; to be registered before authentication."""

        def answer() -> Response | None:
            is_unknown = isinstance(request.routing_exception, NotFound)
            of_the_api = request.path.startswith(API_PREFIX) or request.path == API_PREFIX[:-1]
            if not is_unknown or of_the_api or not _is_for_a_browser():
                return None
            return self._problems.unknown()

        if self._is_on:
            app.before_request(answer)

    def register(self, app: Application, shown: Shown) -> None:
        """Add the pages to the application, unless the dashboard is off."""
        if not self._is_on:
            return
        access = (self._visitors, self._attempts, self._addresses)
        sign_in.register(self._pages, *access)
        if self._oidc is not None:
            sign_in_oidc.register(self._pages, self._oidc, *access)
        overview.register(self._pages, shown)
        campaigns.register(self._pages, shown)
        campaign.register(self._pages, shown)
        calendar.register(self._pages, shown)
        for step in (list_step, message_step, check_step, time_step, confirm_step):
            step.register(self._pages, shown)
        messages.register(self._pages, shown)
        search.register(self._pages)
        person.register(self._pages, shown)
        inbound.register(self._pages, shown)
        suppressions.register(self._pages, shown)
        add_suppressions.register(self._pages, shown)
        lists.register(self._pages, shown.lists)
        upload.register(self._pages, shown)
        for screen in (providers, api_keys, webhooks, audit):
            screen.register(self._pages, shown)
        blueprint = self._pages.blueprint
        blueprint.before_request(self._admit)
        blueprint.register_error_handler(Exception, self._problems.respond)
        self._add_static(app)
        app.register_blueprint(blueprint)
        by_key = app.recognise

        def recognise(environ: Environ) -> str | None:
            found = by_key(environ)
            if found is None and "HTTP_COOKIE" in environ:
                return self._visitors.recognise(environ)
            return found

        app.recognise = recognise

    def _admit(self) -> None:
        """Identify the visitor of a page, and refuse what its scope or its origin does not allow.

        Raises:
            Unauthenticated: there is no session.
            InsufficientScope: the scope is not enough, or a form came from elsewhere.
            TooManyRequests: the session exceeds its limit.
        """
        if request.method not in BODILESS and self._visitors.origin.is_foreign(request):
            raise InsufficientScope(FOREIGN)
        view = current_app.view_functions[request.endpoint or ""]
        if not is_page(view):
            return
        found = self._visitors.identify(request)
        if found is not None:
            g.caller = found
        if request.endpoint in self._pages.open_to_visitors:
            return
        if found is None:
            raise Unauthenticated("there is no session, or it has ended")
        session = self._visitors.session_of(request)
        if session is not None:
            self._limit.count_session(session)
        needed = scope_required(view)
        if needed is not None and not found.scope.allows(needed):
            raise InsufficientScope(f"your scope is {found.scope}, and this needs {needed}")

    def _add_static(self, app: Application) -> None:
        @open_to_all
        def static_file(digest: str, reference: str) -> Response:
            found = self._static.respond(digest, reference)
            if found is None:
                raise NotFound
            return found

        app.add_url_rule(f"{PREFIX}<digest>/<path:reference>", f"{BLUEPRINT}_static", static_file)


FOREIGN = (
    "this form came from another site, or the browser does not say from where; open the page at"
    " its own address, and send the form from there"
)


def _oidc_of(settings: Settings) -> "OidcSignIn | None":
    if settings.oidc.issuer is None or settings.public_url is None or settings.dashboard == "off":
        return None
    # Who has no provider needs neither its libraries nor their memory.
    from campaign_api.dashboard.oidc.sign_in import OidcSignIn  # noqa: PLC0415

    return OidcSignIn(settings.oidc, sign_in_oidc.redirect_uri(settings.public_url))


def _is_for_a_browser() -> bool:
    accepted = request.accept_mimetypes
    return request.method in BODILESS and any(kind == "text/html" for kind, _ in accepted)
