"""Visitors of the dashboard: who they are, by the session in their cookie."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any

from flask import Request, Response

from campaign_api.dashboard.access.origin import DashboardOrigin
from campaign_api.dashboard.access.sessions import Sessions
from campaign_api.errors import Unauthenticated
from campaign_api.web.auth.authentication import Authentication
from campaign_api.web.caller import LOCAL, Caller, Scope
from campaign_common.domain.api_key import ApiKey
from campaign_common.store.access.web_sessions import LONGEST_HOURS, SignedInPerson

SECURE_COOKIE = "__Host-camp-session"
"""Browsers take it over https only, and of this host alone (RFC 6265bis, section 4.1.3.2)."""

PLAIN_COOKIE = "camp-session"
"""On this machine, where no PublicUrl is configured."""


class Visitors:
    """Identification of visitors, and their way in and out."""

    def __init__(
        self,
        sessions: Sessions,
        authentication: Authentication,
        origin: DashboardOrigin,
        scope_of: Callable[[SignedInPerson], Scope | None] = lambda _: None,
    ) -> None:
        """`scope_of` says what a person of an OpenID provider may do; None: is not let in."""
        self.origin = origin
        self._scope_of = scope_of
        self._sessions = sessions
        self._authentication = authentication
        self._cookie = SECURE_COOKIE if origin.is_secure else PLAIN_COOKIE

    @property
    def need_sign_in(self) -> bool:
        """Return whether anybody is asked to sign in."""
        return not self._authentication.open_to_all

    def identify(self, request: Request) -> Caller | None:
        """Return who sent a request; None: it has no session, or none any more.

        Raises:
            RetryLater: the database is unavailable.
        """
        if self._authentication.open_to_all:
            return LOCAL
        token = request.cookies.get(self._cookie)
        session = None if token is None else self._sessions.find(token)
        if session is None:
            return None
        if session.person is not None:
            return self._caller_of(session.person)
        if session.key_id is None:
            return LOCAL if self.is_local(request) else None
        key = self._authentication.keys.find_by_id(session.key_id)
        if key is None:
            return None
        self._authentication.keys.record_use(key.id)
        return Caller(key.id, key.name, key.scope)

    def _caller_of(self, person: SignedInPerson) -> Caller | None:
        scope = self._scope_of(person)
        return None if scope is None else Caller(person.id, person.name, scope)

    def session_of(self, request: Request) -> str | None:
        """Return the name under which the requests of a session are counted; None: none has one."""
        token = request.cookies.get(self._cookie)
        if token is None or self._authentication.open_to_all:
            return None
        return sha256(token.encode("utf-8", "replace")).hexdigest()

    def is_local(self, request: Request) -> bool:
        """Return whether a request needs no key: none exists, and it is of this machine."""
        try:
            self._authentication.require_local(request)
        except Unauthenticated:
            return False
        return True

    def recognise(self, environ: Mapping[str, Any]) -> str | None:
        """Return the id of the key of a session that this process knows; never waits."""
        try:
            cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        except CookieError:
            return None
        shown = cookies.get(self._cookie)
        session = self._sessions.recognise(shown.value) if shown else None
        if session is None:
            return None
        return session.key_id if session.person is None else session.person.id

    def sign_in(self, shown: ApiKey | None, response: Response) -> bool:
        """Begin the session of a key, with its cookie on `response`; False: it is no valid key.

        Raises:
            RetryLater: the database is unavailable.
        """
        key = None if shown is None else self._authentication.keys.find(shown)
        if key is None:
            return False
        self._hand_out(self._sessions.begin(key.id), response)
        return True

    def sign_in_person(self, person: SignedInPerson, longest: int, response: Response) -> None:
        """Begin the session of a person for at most `longest` seconds."""
        self._hand_out(self._sessions.begin_of_person(person, longest), response)

    def sign_in_locally(self, response: Response) -> None:
        """Begin the session of a person on this machine."""
        self._hand_out(self._sessions.begin(None), response)

    def sign_out(self, request: Request, response: Response) -> None:
        """End the session of a request, if it has one, and take its cookie back."""
        token = request.cookies.get(self._cookie)
        if token is not None:
            self._sessions.end(token)
        response.delete_cookie(
            self._cookie, secure=self.origin.is_secure, httponly=True, samesite="Lax"
        )

    def _hand_out(self, token: str, response: Response) -> None:
        response.set_cookie(
            self._cookie,
            token,
            max_age=LONGEST_HOURS * 3600,
            secure=self.origin.is_secure,
            httponly=True,
            samesite="Lax",
        )
