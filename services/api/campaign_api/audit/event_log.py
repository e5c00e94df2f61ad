"""Events of what people and processes have done, in pages and in words."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.times import rfc3339_utc
from campaign_api.web.caller import Scope, caller, require_scope
from campaign_api.web.http.paging import LARGEST_NUMBER, NOT_A_CURSOR, Page
from campaign_common.database import Database
from campaign_common.store.audit.pages import (
    EventFilter,
    EventPosition,
    SourcedEvent,
    read_page,
)
from campaign_common.store.audit.sources import KINDS, SOURCES

BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - as the database has times: UTC, naive

MICROSECOND = timedelta(microseconds=1)

SUBJECTS = tuple(dict.fromkeys(kind.partition(".")[0] for kind in KINDS))
"""Subjects of events: the words before the dots of their kinds."""

OF_ADMINS = frozenset(kind for kind in KINDS if kind.startswith(("api_key.", "webhook.")))
"""Kinds of events that only keys with the scope admin see."""

CursorKey = tuple[int, int, str]
"""Microseconds since 1970, number of the source, id of the row."""


def kinds_seen(wanted: frozenset[str]) -> frozenset[str]:
    """Return those of the kinds that the present client may see.

    Raises:
        InsufficientScope: it may see none of them.
    """
    if wanted <= OF_ADMINS:
        require_scope(Scope.ADMIN)
    return wanted if caller().scope.allows(Scope.ADMIN) else wanted - OF_ADMINS


def kinds_named(word: str | None) -> frozenset[str]:
    """Return the kinds that a word stands for: one kind, or all of a subject; None: all kinds."""
    return frozenset(kind for kind in KINDS if word in (None, kind, kind.partition(".")[0]))


class EventLog:
    """Events of all sources, in pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, wanted: EventFilter, after: CursorKey | None, limit: int) -> Page:
        """Describe at most `limit` events, the newest first.

        Raises:
            RequestInvalid: `after` is no such key.
            RetryLater: the database is unavailable.
        """
        position = None if after is None else _position(*after)
        with self._database.reading() as cursor:
            page = read_page(cursor, wanted, position, limit)
        return Page([describe(event) for event in page.rows], _key(page.next))


def describe(event: SourcedEvent) -> dict[str, Any]:
    """Describe an event as in responses."""
    return {
        "id": event.name,
        "at": event.position.at.replace(tzinfo=UTC),
        "kind": event.kind,
        "actor": event.actor,
        "subject": None if event.subject is None else str(event.subject),
        "details": _details(event.details),
    }


def _details(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: rfc3339_utc(value) if isinstance(value, datetime) else value
        for name, value in details.items()
    }


def _position(microseconds: int, number: int, text: str) -> EventPosition:
    refusal = RequestInvalid([InvalidField("cursor", NOT_A_CURSOR)])
    if number >= len(SOURCES):
        raise refusal
    id_: int | str = text
    if SOURCES[number].has_text_ids:
        # The server would refuse to compare other text with the column.
        is_valid = text.isascii()
    else:
        is_valid = re.fullmatch("[0-9]{1,19}", text) is not None and int(text) < LARGEST_NUMBER
        id_ = int(text) if is_valid else 0
    if not is_valid:
        raise refusal
    try:
        return EventPosition(BEGINNING + timedelta(microseconds=microseconds), number, id_)
    except OverflowError:
        raise refusal from None


def _key(position: EventPosition | None) -> CursorKey | None:
    if position is None:
        return None
    return (position.at - BEGINNING) // MICROSECOND, position.source, str(position.id)
