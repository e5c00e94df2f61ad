"""suppressions: the look-up of the people of some messages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from pymysql.cursors import Cursor

SLICE = 5_000
"""People looked up by one statement."""

# Of a list of numbers each would be parsed: a document of sorted ones saves MySQL an eighth of the
# time, and MariaDB a quarter.
# The index is forced for statistics that are older than an import: a scan is never what is wanted.
SELECT_SCOPES = """
SELECT STRAIGHT_JOIN s.phone, s.scope FROM JSON_TABLE('["{}"]', '$[*]'
  COLUMNS (phone VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin PATH '$')) wanted
JOIN suppressions s FORCE INDEX (PRIMARY) ON s.phone = wanted.phone
WHERE s.until IS NULL OR s.until > NOW(6)
"""

SELECT_SCOPES_OF_ANY = """
SELECT phone, scope FROM suppressions WHERE phone IN %s AND (until IS NULL OR until > NOW(6))
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
    wanted = sorted({*phones})
    found: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(wanted), SLICE):
        part = wanted[start : start + SLICE]
        joined = "".join(part)
        if joined.isascii() and joined.isdigit():
            # Digits need no escaping, which costs more than the look-up itself.
            cursor.execute(SELECT_SCOPES.format('","'.join(part)))
        else:
            cursor.execute(SELECT_SCOPES_OF_ANY, (part,))
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
