"""Meaning of the claims about a person: the value that gives a scope, and a name."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from campaign_common.domain.api_key import LONGEST_NAME, Scope
from campaign_common.settings import OidcScopeSettings

PREFIX = "oidc:"
"""Of the names of people, which no name of a key is meant to have."""

ID_DIGITS = 16


def values_of(claims: Mapping[str, Any], name: str) -> list[str] | None:
    """Return the texts of a claim, by a name with dots inside of objects; None: it is missing."""
    found: Any = claims.get(name)
    if found is None and "." in name:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return None
    return [each for each in (found if isinstance(found, list) else [found]) if _is_text(each)]


def decisive_value(values: list[str], scopes: OidcScopeSettings) -> str | None:
    """Return the value that gives the largest scope; None: none gives any."""
    ranks = list(Scope)
    known = [(ranks.index(scope), value) for value, scope in _mapped(values, scopes)]
    return max(known)[1] if known else None


def person_id(issuer: str, subject: str) -> str:
    """Return the id of a person in the form of that of a key."""
    return sha256(f"{issuer}\0{subject}".encode()).hexdigest()[:ID_DIGITS]


def person_name(claims: Mapping[str, Any], name_claim: str) -> str:
    """Return the name that changes of a person are noted under."""
    values = values_of(claims, name_claim) or []
    name = next((each for each in values if each.strip()), str(claims["sub"]))
    printable = "".join(one for one in name if one.isprintable()).strip()
    return (PREFIX + printable)[:LONGEST_NAME].strip()


def _mapped(values: list[str], scopes: OidcScopeSettings) -> Iterator[tuple[str, Scope]]:
    for value in values:
        scope = scopes.of(value)
        if scope is not None:
            yield value, scope


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
