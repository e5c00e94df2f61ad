"""Who sends the present request."""

from typing import NamedTuple

from flask import g

from campaign_common.api_key import Scope

__all__ = ["LOCAL", "Caller", "Scope", "caller"]


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
