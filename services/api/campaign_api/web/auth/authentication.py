"""Authentication and authorisation of every request, before anything else is done for it.

A request shows `Authorization: Bearer id.secret`. While no key was ever made, programs of the
API's own user on this machine are allowed without one. A client without access does not learn
whether a path exists.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Request, current_app, g, request

from campaign_api.errors import InsufficientScope, Unauthenticated
from campaign_api.web.auth.api_key_cache import ApiKeyCache
from campaign_api.web.auth.local_client import ClientLocation, is_loopback, locate_client
from campaign_api.web.caller import LOCAL, Caller, Scope
from campaign_api.web.routing.application import Application
from campaign_api.web.routing.documentation import DOCUMENT_ENDPOINT, PAGE_BLUEPRINT
from campaign_api.web.routing.view_metadata import is_open_to_all, is_page, scope_required
from campaign_common.domain.api_key import ApiKey

MAKE_A_KEY = "make the first key there: campaign-db key create --name me --scope admin"
FIRST_KEY = (
    "no API key exists yet, and without one only programs on the API's own machine are let in that"
    f" run as the API's user or as root, and not behind a proxy; {MAKE_A_KEY}"
)
LOCATION_UNKNOWN = (
    "no API key exists yet, and this system does not tell which user's program asks, so that a"
    f" proxy could be taken for a program of the API's own user; {MAKE_A_KEY}"
)
NO_KEY = "an API key is needed: Authorization: Bearer id.secret"
WRONG_KEY = "the API key is unknown, wrong or revoked"

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Authentication:
    """Identification of the client of each request, and refusal of those without access."""

    def __init__(self, keys: ApiKeyCache, *, open_to_all: bool = False) -> None:
        """Require a key of `keys`; `open_to_all` requires none (`Auth: none`)."""
        self._keys = keys
        self._open_to_all = open_to_all

    def register(self, app: Application) -> None:
        """Authenticate every request of `app`, for unknown paths too."""
        app.recognise = self.recognise
        app.before_request(self._admit)

    def recognise(self, environ: Mapping[str, Any]) -> str | None:
        """Return the id of the key that a request shows if the cache has it, else None.

        Never waits and grants no access: the server uses it to queue requests. Where no key is
        needed, a program of this machine has the empty id.
        """
        if self._open_to_all:
            return LOCAL.key_id
        shown = _key_shown(environ.get("HTTP_AUTHORIZATION", ""))
        if shown is not None:
            return self._keys.recognise(shown)
        is_near = is_loopback(environ.get("REMOTE_ADDR", ""))
        return LOCAL.key_id if is_near and self._keys.seems_empty else None

    @property
    def keys(self) -> ApiKeyCache:
        """The keys that are accepted."""
        return self._keys

    @property
    def open_to_all(self) -> bool:
        """Return whether no key is required of anybody."""
        return self._open_to_all

    def require_local(self, request: Request) -> Caller:
        """Return the client of a request that needs no key.

        Raises:
            Unauthenticated: a key exists, or the request is not known to come from the API's own
                user on this machine.
            DatabaseUnavailable: the keys cannot be read.
        """
        return LOCAL if self._open_to_all else self._identify_without_key(request)

    def _admit(self) -> None:
        if self._open_to_all or _needs_no_key(request):
            return
        g.caller = found = self._identify(request)
        needed = _scope_needed(request)
        if not found.scope.allows(needed):
            raise InsufficientScope(f"the key's scope is {found.scope}, and this needs {needed}")

    def _identify(self, request: Request) -> Caller:
        if "Authorization" not in request.headers:
            return self._identify_without_key(request)
        shown = _key_shown(request.headers["Authorization"])
        stored = None if shown is None else self._keys.find(shown)
        if stored is None:
            _refuse(FIRST_KEY if self._keys.is_empty() else WRONG_KEY)
        self._keys.record_use(stored.id)
        return Caller(stored.id, stored.name, stored.scope)

    def _identify_without_key(self, request: Request) -> Caller:
        if not self._keys.is_empty():
            _refuse(NO_KEY)
        location = locate_client(request)
        if location is not ClientLocation.LOCAL:
            _refuse(LOCATION_UNKNOWN if location is ClientLocation.UNKNOWN else FIRST_KEY)
        return LOCAL


def _key_shown(authorization: str) -> ApiKey | None:
    scheme, _, token = authorization.partition(" ")
    return ApiKey.parse(token.strip()) if scheme.lower() == "bearer" else None


def _needs_no_key(request: Request) -> bool:
    if request.endpoint is None:
        return False
    view = current_app.view_functions[request.endpoint]
    return (
        request.endpoint == DOCUMENT_ENDPOINT
        or request.blueprint == PAGE_BLUEPRINT
        or is_open_to_all(view)
        or is_page(view)
    )


def _scope_needed(request: Request) -> Scope:
    by_method = Scope.READ if request.method in READING else Scope.WRITE
    if request.endpoint is None or request.method == "OPTIONS":
        return by_method
    return scope_required(current_app.view_functions[request.endpoint]) or by_method


def _refuse(why: str) -> NoReturn:
    raise Unauthenticated(why)
