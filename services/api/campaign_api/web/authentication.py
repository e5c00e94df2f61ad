"""Who may ask for what: every request passes here before anything else is done for it.

A request shows `Authorization: Bearer id.secret`. While no key was ever made, programs of the
API's own user on this machine are let in without one. That a path does not exist is told only to
who may ask.
"""

from typing import NoReturn

from flask import Flask, Request, current_app, g, request

from campaign_api.refusals import ScopeLacking, Unauthenticated
from campaign_api.web.caller import LOCAL, Caller, Scope
from campaign_api.web.documentation import DOCUMENT_ENDPOINT, PAGE_BLUEPRINT
from campaign_api.web.key_ring import KeyRing
from campaign_api.web.marks import is_open_to_all, scope_required
from campaign_api.web.peer import Origin, origin_of
from campaign_common.api_key import ApiKey

MAKE_A_KEY = "make the first key there: campaign-db key create --name me --scope admin"
FIRST_KEY = (
    "no API key exists yet, and without one only programs on the API's own machine are let in that"
    f" run as the API's user or as root, and not behind a proxy; {MAKE_A_KEY}"
)
ORIGIN_UNTOLD = (
    "no API key exists yet, and this system does not tell which user's program asks, so that a"
    f" proxy could be taken for a program of the API's own user; {MAKE_A_KEY}"
)
NO_KEY = "an API key is needed: Authorization: Bearer id.secret"
WRONG_KEY = "the API key is unknown, wrong or revoked"

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Authentication:
    """Finds out who sends each request, and refuses who may not."""

    def __init__(self, keys: KeyRing, *, open_to_all: bool = False) -> None:
        """Ask for keys of `keys`; `open_to_all` asks for none, as `Auth: none` has it."""
        self._keys = keys
        self._open_to_all = open_to_all

    def register(self, app: Flask) -> None:
        """Guard every request of `app`, known paths and unknown ones."""
        app.before_request(self._admit)

    def _admit(self) -> None:
        if self._open_to_all or _needs_no_key(request):
            return
        g.caller = found = self._identify(request)
        needed = _scope_needed(request)
        if not found.scope.allows(needed):
            raise ScopeLacking(f"the key's scope is {found.scope}, and this needs {needed}")

    def _identify(self, request: Request) -> Caller:
        if "Authorization" not in request.headers:
            return self._identify_without_key(request)
        scheme, _, token = request.headers["Authorization"].partition(" ")
        shown = ApiKey.parse(token.strip()) if scheme.lower() == "bearer" else None
        stored = None if shown is None else self._keys.find(shown)
        if stored is None:
            _refuse(FIRST_KEY if self._keys.is_empty() else WRONG_KEY)
        self._keys.note_use(stored.id)
        return Caller(stored.id, stored.name, stored.scope)

    def _identify_without_key(self, request: Request) -> Caller:
        if not self._keys.is_empty():
            _refuse(NO_KEY)
        origin = origin_of(request)
        if origin is not Origin.LOCAL:
            _refuse(ORIGIN_UNTOLD if origin is Origin.UNTOLD else FIRST_KEY)
        return LOCAL


def _needs_no_key(request: Request) -> bool:
    if request.endpoint is None:
        return False
    return (
        request.endpoint == DOCUMENT_ENDPOINT
        or request.blueprint == PAGE_BLUEPRINT
        or is_open_to_all(current_app.view_functions[request.endpoint])
    )


def _scope_needed(request: Request) -> Scope:
    by_method = Scope.READ if request.method in READING else Scope.WRITE
    if request.endpoint is None or request.method == "OPTIONS":
        return by_method
    return scope_required(current_app.view_functions[request.endpoint]) or by_method


def _refuse(why: str) -> NoReturn:
    raise Unauthenticated(why)
