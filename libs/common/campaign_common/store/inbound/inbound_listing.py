"""inbound_messages: pages, the newest first, with filters."""

from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.inbound.inbound_message import InboundMessage
from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.store.inbound.inbound_messages import StoredInbound

SCANNED_AT_ONCE = 50_000
"""Rows after which a page ends, however few of them match."""


class InboundFilter(NamedTuple):
    """Messages that are wanted; None: any. `since` is UTC, naive, and included."""

    phone: str | None = None
    unsure: bool | None = None
    keyword: KeywordKind | None = None
    provider: str | None = None
    since: datetime | None = None


class InboundPosition(NamedTuple):
    """The last row of the page before."""

    received_at: datetime
    id: int


class InboundPage(NamedTuple):
    """Messages, and the position after which more may follow."""

    rows: list[StoredInbound]
    next: InboundPosition | None


_COLUMNS = (
    "id, provider, provider_message_id, phone, recipient, text, reported_at, received_at, keyword,"
    " is_unsure"
)

_ORDER = "ORDER BY received_at DESC, id DESC"


def read_inbound(
    cursor: Cursor, wanted: InboundFilter, after: InboundPosition | None, limit: int
) -> InboundPage:
    """Read the next messages, the newest first."""
    index, bounds, others = _split(wanted)
    if after is not None:
        bounds.append(("received_at <= %s", after.received_at))
        bounds.append(("(received_at < %s OR id < %s)", (after.received_at, after.id)))
    end: InboundPosition | None = None
    source = f"FROM inbound_messages FORCE INDEX ({index})"
    if others:
        statement, arguments = _where(f"SELECT received_at, id {source}", bounds)
        cursor.execute(f"{statement} {_ORDER} LIMIT 1 OFFSET %s", (*arguments, SCANNED_AT_ONCE - 1))
        row = cursor.fetchone()
        if row is not None:
            end = InboundPosition(*row)
            bounds.append(("received_at >= %s", end.received_at))
            bounds.append(("(received_at > %s OR id >= %s)", end))
    statement, arguments = _where(f"SELECT {_COLUMNS} {source}", bounds + others)
    cursor.execute(f"{statement} {_ORDER} LIMIT %s", (*arguments, limit))
    rows = [_stored(*row) for row in cursor.fetchall()]
    if len(rows) == limit:
        end = InboundPosition(rows[-1].message.received_at, rows[-1].id)
    return InboundPage(rows, end)


ColumnConditions = list[tuple[str, object]]


def _split(wanted: InboundFilter) -> tuple[str, ColumnConditions, ColumnConditions]:
    """Return an index, the conditions that it answers, and those that rows are read for."""
    bounds: ColumnConditions = []
    others: ColumnConditions = []
    index = "by_received"
    if wanted.since is not None:
        bounds.append(("received_at >= %s", wanted.since))
    if wanted.phone is not None:
        index = "by_phone"
        bounds.append(("phone = %s", wanted.phone))
    if wanted.unsure is not None:
        unsure = ("is_unsure = %s", int(wanted.unsure))
        if wanted.phone is None:
            index = "by_unsure"
            bounds.append(unsure)
        else:
            others.append(unsure)
    if wanted.keyword is not None:
        others.append(("keyword = %s", wanted.keyword.value))
    if wanted.provider is not None:
        others.append(("provider = %s", wanted.provider))
    return index, bounds, others


def _where(statement: str, conditions: ColumnConditions) -> tuple[str, list[object]]:
    arguments: list[object] = []
    for _, value in conditions:
        arguments += value if isinstance(value, tuple) else (value,)
    if conditions:
        statement += " WHERE " + " AND ".join(condition for condition, _ in conditions)
    return statement, arguments


def _stored(  # noqa: PLR0913, PLR0917 - the columns of a row
    id_: int,
    provider: str,
    provider_message_id: str,
    phone: str,
    recipient: str | None,
    text: str,
    reported_at: datetime | None,
    received_at: datetime,
    keyword: str | None,
    is_unsure: int,
) -> StoredInbound:
    message = InboundMessage(
        provider=provider,
        provider_message_id=provider_message_id,
        phone=phone,
        recipient=recipient,
        text=text,
        reported_at=reported_at,
        received_at=received_at,
        keyword=None if keyword is None else KeywordKind(keyword),
        is_unsure=bool(is_unsure),
    )
    return StoredInbound(id_, message)
