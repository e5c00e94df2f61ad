"""Pages of the events of all sources, the newest first.

Each source gives its newest rows, and they are merged. Where only some kinds of a source are
wanted, the others are passed over, and a page ends after so many rows, however few of them match.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.store.audit.sources import ALL_DETAILS, SOURCES, EventSource

SCANNED_AT_ONCE = 50_000
"""Rows of a source after which a page ends."""


class EventFilter(NamedTuple):
    """Events of some kinds; None: any actor, any time. Times are UTC, naive.

    `since` is included, `before` is not.
    """

    kinds: Collection[str]
    actor: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def wants(self, source: EventSource) -> bool:
        """Return whether a source may have such events."""
        return any(kind in self.kinds for kind in source.kinds)


class EventPosition(NamedTuple):
    """The place of an event among all: time (UTC, naive), number of its source, id of its row."""

    at: datetime
    source: int
    id: int | str


class SourcedEvent(NamedTuple):
    """An event; `actor` is None where it is not known who."""

    position: EventPosition
    kind: str
    actor: str | None
    subject: int | str | None
    details: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the event, which no other one has."""
        return f"{SOURCES[self.position.source].name}-{self.position.id}"


class SourcedPage(NamedTuple):
    """Events, and the position after which more may follow."""

    rows: list[SourcedEvent]
    next: EventPosition | None


class _Conditions:
    """The conditions of a statement, with their values."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[object] = []

    def add(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self._conditions)


def read_page(
    cursor: Cursor, wanted: EventFilter, after: EventPosition | None, limit: int
) -> SourcedPage:
    """Read up to `limit` events of all sources, the newest first; there may be fewer."""
    pages = [
        _read_source(cursor, number, wanted, after, limit)
        for number, source in enumerate(SOURCES)
        if wanted.wants(source)
    ]
    # Beyond the newest of these positions, a source may have rows that were not read.
    end = max((page.next for page in pages if page.next is not None), default=None)
    rows = [row for page in pages for row in page.rows if end is None or row.position >= end]
    rows.sort(key=lambda row: row.position, reverse=True)
    if len(rows) > limit:
        return SourcedPage(rows[:limit], rows[limit - 1].position)
    return SourcedPage(rows, end)


def _read_source(
    cursor: Cursor, number: int, wanted: EventFilter, after: EventPosition | None, limit: int
) -> SourcedPage:
    source = SOURCES[number]
    where = _bounds(source, number, wanted, after)
    end: EventPosition | None = None
    if _passes_over(source, wanted):
        if source.by_time is not None:
            statement = f"SELECT {source.at}, {source.id} {_from(source, wanted, where)}"
            last = SCANNED_AT_ONCE - 1
            cursor.execute(f"{statement} LIMIT 1 OFFSET %s", (*where.values, last))
            row = cursor.fetchone()
            if row is not None:
                end = EventPosition(row[0], number, row[1])
                where.add(f"{source.at} >= %s", end.at)
                where.add(f"({source.at} > %s OR {source.id} >= %s)", end.at, end.id)
        _add_others(source, wanted, where)
    columns = [source.at, source.id, source.kind, source.actor, source.subject]
    statement = f"SELECT {', '.join([*columns, *source.details.values()])}"
    values = (*where.values, limit)
    cursor.execute(f"{statement} {_from(source, wanted, where)} LIMIT %s", values)
    rows = [_event(source, number, row) for row in cursor.fetchall()]
    return SourcedPage(rows, rows[-1].position if len(rows) == limit else end)


def _index_of(source: EventSource, wanted: EventFilter) -> str | None:
    has_actor = wanted.actor is not None and source.by_actor is not None
    return source.by_actor if has_actor else source.by_time


def _from(source: EventSource, wanted: EventFilter, where: _Conditions) -> str:
    index = _index_of(source, wanted)
    forced = "" if index is None else f" FORCE INDEX ({index})"
    order = f"ORDER BY {source.at} DESC, {source.id} DESC"
    return f"FROM {source.table}{forced} WHERE {where} {order}"


def _bounds(
    source: EventSource, number: int, wanted: EventFilter, after: EventPosition | None
) -> _Conditions:
    """Return the conditions that the index answers."""
    where = _Conditions()
    where.add(f"{source.at} IS NOT NULL")
    if wanted.actor is not None and source.by_actor is not None:
        where.add(f"{source.actor} = %s", wanted.actor)
    if wanted.since is not None:
        where.add(f"{source.at} >= %s", wanted.since)
    if wanted.before is not None:
        where.add(f"{source.at} < %s", wanted.before)
    if after is not None:
        # Of one moment, the events of the source with the highest number come first.
        where.add(f"{source.at} {'<' if number > after.source else '<='} %s", after.at)
        if number == after.source:
            where.add(f"({source.at} < %s OR {source.id} < %s)", after.at, after.id)
    return where


def _passes_over(source: EventSource, wanted: EventFilter) -> bool:
    """Return whether rows are read that are not wanted."""
    filters_actor = wanted.actor is not None and source.by_actor is None
    return filters_actor or not all(kind in wanted.kinds for kind in source.kinds)


def _add_others(source: EventSource, wanted: EventFilter, where: _Conditions) -> None:
    """Add the conditions that the index does not answer."""
    if wanted.actor is not None and source.by_actor is None:
        where.add(f"{source.actor} = %s", wanted.actor)
    kinds = tuple(kind for kind in source.kinds if kind in wanted.kinds)
    where.add(f"{source.kind} IN %s", kinds)


def _event(source: EventSource, number: int, row: Sequence[Any]) -> SourcedEvent:
    at, id_, kind, actor, subject, *values = row
    details = dict(zip(source.details, values, strict=True))
    if ALL_DETAILS in details:
        details = json.loads(details[ALL_DETAILS])
    return SourcedEvent(EventPosition(at, number, id_), kind, actor, subject, details)
