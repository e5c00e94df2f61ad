"""suppressions: pages in the order of numbers, with filters."""

from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.suppressions.suppressions import Suppression

SCANNED_AT_ONCE = 50_000
"""Rows after which a page ends, however few of them match."""


class SuppressionFilter(NamedTuple):
    """Suppressions that are wanted; None: any."""

    scope: str | None = None
    reason: str | None = None
    source: str | None = None


class SuppressionPosition(NamedTuple):
    """The last row of the page before."""

    phone: str = ""
    scope: str = ""


class SuppressionPage(NamedTuple):
    """Rows, and the position after which more may follow."""

    rows: list[Suppression]
    next: SuppressionPosition | None


_AFTER = "phone >= %s AND (phone > %s OR scope > %s)"

SELECT_END = f"""
SELECT phone, scope FROM suppressions WHERE {_AFTER} ORDER BY phone, scope LIMIT 1 OFFSET %s
"""

SELECT_PAGE = f"""
SELECT phone, scope, reason, source, since, until, note FROM suppressions WHERE {_AFTER}
"""

_UP_TO = " AND phone <= %s AND (phone < %s OR scope <= %s)"


def read_suppressions(
    cursor: Cursor, wanted: SuppressionFilter, after: SuppressionPosition, limit: int
) -> SuppressionPage:
    """Read the next suppressions, also those that are over."""
    place = (after.phone, after.phone, after.scope)
    filters = {name: value for name, value in wanted._asdict().items() if value is not None}
    statement, arguments = SELECT_PAGE, list[object](place)
    end: SuppressionPosition | None = None
    if filters:
        cursor.execute(SELECT_END, (*place, SCANNED_AT_ONCE - 1))
        row = cursor.fetchone()
        if row is not None:
            end = SuppressionPosition(*row)
            statement += _UP_TO
            arguments += (end.phone, end.phone, end.scope)
    for name, value in filters.items():
        statement += f" AND {name} = %s"
        arguments.append(value)
    cursor.execute(f"{statement} ORDER BY phone, scope LIMIT %s", (*arguments, limit))
    rows = [Suppression(*row) for row in cursor.fetchall()]
    if len(rows) == limit:
        end = SuppressionPosition(rows[-1].phone, rows[-1].scope)
    return SuppressionPage(rows, end)
