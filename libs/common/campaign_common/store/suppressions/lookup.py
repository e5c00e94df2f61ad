"""suppressions: the look-up of the people of some messages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from pymysql.cursors import Cursor

SLICE = 5_000
"""People looked up by one statement."""

SELECT_SCOPES = """
SELECT phone, scope FROM suppressions WHERE phone IN ({}) AND (until IS NULL OR until > NOW(6))
"""

SELECT_REASONS = """
SELECT phone, scope, reason FROM suppressions
WHERE phone IN %s AND (until IS NULL OR until > NOW(6))
"""

SELECT_ANY = """
SELECT EXISTS(SELECT 1 FROM suppressions WHERE until IS NULL OR until > NOW(6))
"""

Suppressed = Mapping[str, Collection[str]]
"""Scopes by phone number; people without a suppression are left out."""


def look_up_suppressed(cursor: Cursor, phones: Iterable[str]) -> Suppressed:
    """Return the suppressions that are in force of some people, by rows of the primary key."""
    wanted = list(dict.fromkeys(phones))
    found: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(wanted), SLICE):
        part = wanted[start : start + SLICE]
        joined = "".join(part)
        if joined.isascii() and joined.isdigit():
            # Digits need no escaping, which costs more than the look-up itself.
            cursor.execute(SELECT_SCOPES.format("'" + "','".join(part) + "'"))
        else:
            cursor.execute(SELECT_SCOPES.format(",".join(["%s"] * len(part))), part)
        for phone, scope in cursor.fetchall():
            found[phone].append(scope)
    return found


def is_anybody_suppressed(cursor: Cursor) -> bool:
    """Return whether there is a suppression that is in force."""
    cursor.execute(SELECT_ANY)
    return cursor.fetchone() == (1,)


def look_up_reasons(cursor: Cursor, phones: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """Return the reasons of the suppressions in force of some people, by phone and scope."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if phones:
        cursor.execute(SELECT_REASONS, (tuple(phones),))
        for phone, scope, reason in cursor.fetchall():
            found[phone][scope] = reason
    return found
