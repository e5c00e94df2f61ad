"""inbound_messages: each message once, however often its provider reports it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor
from pymysql.err import IntegrityError

from campaign_common.domain.events.event_kind import EventKind
from campaign_common.domain.inbound.inbound_message import REPEATED_WITHIN, InboundMessage
from campaign_common.errors import DatabaseContended
from campaign_common.store.core.outgoing_events import record_events

ROWS_AT_ONCE = 200
"""Rows of one statement: 3.3 MB of the longest texts."""

MOST_LISTED = 500
"""Ids of one list: MariaDB makes a join of a list of 1,000."""


class StoredInbound(NamedTuple):
    """A message that a transaction has stored, and that nothing was done about before."""

    id: int
    message: InboundMessage


class MessageName(NamedTuple):
    """Name by which a message is known; rows are inserted in the order of names."""

    provider: str
    provider_message_id: str


SELECT_KNOWN = """
SELECT provider_message_id, id, received_at FROM inbound_messages FORCE INDEX (by_message)
WHERE provider = %s AND provider_message_id IN %s
"""

INSERT = """
INSERT INTO inbound_messages (provider, provider_message_id, phone, recipient, text, reported_at,
                              received_at, keyword, is_unsure)
VALUES """

VALUES = "(%s,%s,%s,%s,%s,%s,%s,%s,%s)"

DELETE_OF_PERSON = "DELETE FROM inbound_messages WHERE phone IN %s LIMIT %s"

DELETE_OLD = """
DELETE FROM inbound_messages WHERE received_at < NOW(6) - INTERVAL %s SECOND LIMIT %s
"""


def insert_inbound(cursor: Cursor, messages: Iterable[InboundMessage]) -> Sequence[StoredInbound]:
    """Store messages, and return those that were not there yet.

    A message that is known already changes nothing and is not returned. May be
    repeated as a whole after any error.

    Raises:
        DatabaseContended: another transaction has stored one of them meanwhile; this one must be
            repeated as a whole.
    """
    named: dict[MessageName, InboundMessage] = {}
    for message in messages:
        named.setdefault(MessageName(message.provider, message.provider_message_id), message)
    known = _known(cursor, named)
    fresh = [named[name] for name in sorted(named) if name not in known]
    for start in range(0, len(fresh), ROWS_AT_ONCE):
        _insert(cursor, fresh[start : start + ROWS_AT_ONCE])
    names = [MessageName(message.provider, message.provider_message_id) for message in fresh]
    ids = {name: id_ for name, id_, _ in _rows(cursor, names)}
    record_events(cursor, EventKind.INBOUND_RECEIVED, [{"inbound_id": ids[name]} for name in names])
    return [StoredInbound(ids[name], named[name]) for name in names]


def delete_inbound_of(cursor: Cursor, addresses: Sequence[str], limit: int) -> int:
    """Delete messages of a person, at most `limit`; return how many went."""
    return cursor.execute(DELETE_OF_PERSON, (tuple(addresses), limit))


def delete_old_inbound(cursor: Cursor, seconds: int, limit: int) -> int:
    """Delete messages that came at least `seconds` ago, at most `limit`; return how many went."""
    return cursor.execute(DELETE_OLD, (seconds, limit))


def _known(cursor: Cursor, named: dict[MessageName, InboundMessage]) -> set[MessageName]:
    """Return the names of messages that are stored, be it under the digest of a slot before."""
    earlier = {
        MessageName(name.provider, digest): name
        for name, message in named.items()
        if (digest := message.earlier_digest) is not None
    }
    known = set()
    for name, _, received_at in _rows(cursor, [*named, *earlier]):
        if name in named:
            known.add(name)
        if name in earlier:
            later = earlier[name]
            if named[later].received_at - received_at < REPEATED_WITHIN:
                known.add(later)
    return known


def _rows(
    cursor: Cursor, names: Sequence[MessageName]
) -> Iterator[tuple[MessageName, int, datetime]]:
    by_provider: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_provider[name.provider].append(name.provider_message_id)
    for provider, ids in by_provider.items():
        for start in range(0, len(ids), MOST_LISTED):
            cursor.execute(SELECT_KNOWN, (provider, tuple(ids[start : start + MOST_LISTED])))
            for message_id, id_, received_at in cursor.fetchall():
                yield MessageName(provider, message_id), id_, received_at


def _insert(cursor: Cursor, messages: Sequence[InboundMessage]) -> None:
    arguments: list[object] = []
    for one in messages:
        keyword = None if one.keyword is None else one.keyword.value
        arguments += (one.provider, one.provider_message_id, one.phone, one.recipient, one.text)
        arguments += (one.reported_at, one.received_at, keyword, int(one.is_unsure))
    try:
        cursor.execute(INSERT + ",".join([VALUES] * len(messages)), arguments)
    except IntegrityError as error:
        raise DatabaseContended("an inbound message was stored by another transaction") from error
