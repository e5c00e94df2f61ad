"""The client that sends the current request."""

from enum import StrEnum
from typing import NamedTuple

from flask import g

from campaign_api.errors import InsufficientScope
from campaign_common.domain.api_key import Scope

__all__ = [
    "LOCAL",
    "Caller",
    "CallerKind",
    "Scope",
    "caller",
    "caller_kind",
    "may_see_reasons",
    "require_scope",
]


class CallerKind(StrEnum):
    """The reason why a client has access."""

    KEY = "key"
    """It showed an API key."""
    LOCAL = "local"
    """It is a program of the API's own machine, and no key exists yet."""
    NONE = "none"
    """Authentication is off (`Auth: none`)."""


class Caller(NamedTuple):
    """A client: the id of its key, the name under which its changes are noted, its scope."""

    key_id: str
    name: str
    scope: Scope


LOCAL = Caller("", "api", Scope.ADMIN)
"""A client where no key is needed."""


def caller() -> Caller:
    """Return the client of the current request, as `authentication` identified it."""
    found: Caller = g.get("caller", LOCAL)
    return found


def caller_kind() -> CallerKind:
    """Return why the client of the current request has access."""
    if "caller" not in g:
        return CallerKind.NONE
    return CallerKind.KEY if caller().key_id else CallerKind.LOCAL


def require_scope(needed: Scope) -> None:
    """Require a scope for a part of what a request asks for.

    Raises:
        InsufficientScope: the client's key does not have it.
    """
    scope = caller().scope
    if not scope.allows(needed):
        raise InsufficientScope(f"the key's scope is {scope}, and this needs {needed}")


def may_see_reasons() -> bool:
    """Return whether the client is told why senders can not send, which names secrets."""
    return caller().scope.allows(Scope.ADMIN)
