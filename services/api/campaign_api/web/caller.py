"""Who sends the present request."""

from enum import StrEnum
from typing import NamedTuple

from flask import g


class Scope(StrEnum):
    """What an API key allows; each allows what the one before does, and more."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Caller(NamedTuple):
    """A client: the id of its key, the name under which its changes are noted, its scope."""

    key_id: str
    name: str
    scope: Scope


LOCAL = Caller("", "api", Scope.ADMIN)
"""Whoever asks where no key is needed."""


def caller() -> Caller:
    """Return the client of the present request, as `authentication` found it."""
    found: Caller = g.get("caller", LOCAL)
    return found
