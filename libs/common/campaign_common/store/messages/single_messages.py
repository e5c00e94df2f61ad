"""Single messages outside of any counter, each taken by one sender, once; table trial_messages.

Test messages, and answers to inbound messages. The table keeps the name that it had when it held
test messages alone: services of earlier versions work on it, and pass answers over.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.domain.message import Status
from campaign_common.domain.message_record import MessageTemplate
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.store.messages.message_listing import ListedReceipt

KEPT_HOURS = 24
"""Hours after which the sweep deletes a single message."""

WANTED_SECONDS = {ReferencePurpose.TEST: 30, ReferencePurpose.ANSWER: 300}
"""Seconds after which a single message is not sent any more, by its purpose: the request of a test
message has timed out, and an answer would surprise the person."""

NO_CAMPAIGN = CampaignId(0)
"""Campaign of a message that belongs to none."""

NO_BOUNDS: Mapping[str, int] = MappingProxyType({})


class NewSingleMessage(NamedTuple):
    """A rendered message that a sender is to send once."""

    campaign_id: CampaignId
    provider: str
    phone: str
    rendered: Rendered
    originator: str | None
    actor: str
    purpose: ReferencePurpose = ReferencePurpose.TEST
    inbound_id: int | None = None
    """The inbound message that it answers; there is one answer at most."""


class TakenSingleMessage(NamedTuple):
    """A single message that this sender, and no other, calls the provider for."""

    id: int
    purpose: ReferencePurpose
    campaign_id: CampaignId
    provider: str
    phone: str
    rendered: Rendered
    originator: str | None


class StoredSingleMessage(NamedTuple):
    """A single message and its result; `status` is None until it is known."""

    id: int
    campaign_id: CampaignId
    provider: str
    phone: str
    rendered: Rendered
    originator: str | None
    requested_at: datetime
    ended_at: datetime | None
    status: Status | None
    provider_message_id: str | None
    error_code: str | None
    receipt: ListedReceipt | None = None


class ListedAnswer(NamedTuple):
    """The answer to an inbound message, and its result; `status` is None until it is known."""

    status: Status | None
    provider_message_id: str | None
    error_code: str | None
    requested_at: datetime
    ended_at: datetime | None
    receipt: ListedReceipt | None


class SingleOutcome(NamedTuple):
    """The outcome of a single message."""

    id: int
    status: Status
    provider_message_id: str | None
    error_code: str | None


INSERT = """
INSERT INTO trial_messages (campaign_id, provider, content_provider, answer_provider, phone, body,
                            content, actor, purpose, inbound_id, requested_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, NOW(6))
"""

# Senders of 0.2.0 look for their providers in `provider` alone, and later ones that know no answers
# in `content_provider`, too.
_PROVIDER = "COALESCE(answer_provider, content_provider, provider)"

SELECT_ONE = f"""
SELECT id, campaign_id, {_PROVIDER}, phone, body, content, requested_at, ended_at, status,
       provider_message_id, error_code, receipt_rank, receipt_code, reported_at
FROM trial_messages WHERE id = %s
"""

SELECT_ANSWERS = """
SELECT inbound_id, status, provider_message_id, error_code, requested_at, ended_at, receipt_rank,
       receipt_code, reported_at
FROM trial_messages WHERE inbound_id IN %s
"""

SELECT_WAITING = f"""
SELECT id, campaign_id, {_PROVIDER}, phone, body, content
FROM trial_messages
WHERE taken_at IS NULL AND purpose = %s AND {_PROVIDER} IN %s
  AND requested_at > NOW(6) - INTERVAL %s SECOND
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""

TAKE = "UPDATE trial_messages SET taken_at = NOW(6) WHERE id IN %s"

GIVE_BACK = "UPDATE trial_messages SET taken_at = NULL WHERE id IN %s AND status IS NULL"

END = """
UPDATE trial_messages
SET status = %s, provider_message_id = %s, error_code = %s, ended_at = NOW(6)
WHERE id = %s AND status IS NULL
"""

DELETE_OLD = """
DELETE FROM trial_messages WHERE requested_at < NOW(6) - INTERVAL %s HOUR LIMIT %s
"""


class _SingleContentColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    template: MessageTemplate | None = None
    originator: str | None = msgspec.field(name="from", default=None)


_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(_SingleContentColumn).decode


def insert_single_message(cursor: Cursor, message: NewSingleMessage) -> int:
    """Store a message for any sender to take; returns its id.

    One that an earlier sender would send wrongly is stored so that it passes it over.
    """
    rendered, originator = message.rendered, message.originator
    is_plain = rendered.template is None and originator is None
    column = _SingleContentColumn(rendered.template, originator)
    providers: tuple[str, str | None, str | None]
    if message.purpose is ReferencePurpose.ANSWER:
        providers = "", None, message.provider
    elif is_plain:
        providers = message.provider, None, None
    else:
        providers = "", message.provider, None
    cursor.execute(
        INSERT,
        (
            message.campaign_id,
            *providers,
            message.phone,
            rendered.body,
            None if is_plain else _encode(column).decode(),
            message.actor,
            int(message.purpose),
            message.inbound_id,
        ),
    )
    return int(cursor.lastrowid)


def read_single_message(cursor: Cursor, single_id: int) -> StoredSingleMessage | None:
    """Read a message, None when it was erased meanwhile."""
    cursor.execute(SELECT_ONE, (single_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, campaign_id, provider, phone, body, content, requested_at, ended_at, *outcome = row
    status, message_id, error_code, rank, code, at = outcome
    rendered, originator = _rendered(body, content)
    return StoredSingleMessage(
        id_,
        campaign_id,
        provider,
        phone,
        rendered,
        originator,
        requested_at,
        ended_at,
        None if status is None else Status(status),
        message_id,
        error_code,
        None if rank is None else ListedReceipt(ReceiptRank(rank), code, at),
    )


def read_answers(cursor: Cursor, inbound_ids: Collection[int]) -> dict[int, ListedAnswer]:
    """Read the answers to inbound messages that are kept, by ids of the messages."""
    if not inbound_ids:
        return {}
    cursor.execute(SELECT_ANSWERS, (tuple(inbound_ids),))
    return {
        inbound_id: ListedAnswer(
            None if status is None else Status(status),
            message_id,
            error_code,
            requested_at,
            ended_at,
            None if rank is None else ListedReceipt(ReceiptRank(rank), code, at),
        )
        for (
            inbound_id,
            status,
            message_id,
            error_code,
            requested_at,
            ended_at,
            rank,
            code,
            at,
        ) in cursor.fetchall()
    }


def take_single_messages(
    cursor: Cursor,
    providers: Collection[str],
    limit: int,
    most_of: Mapping[str, int] = NO_BOUNDS,
) -> list[TakenSingleMessage]:
    """Take messages that no other sender has taken, for these providers; test messages first.

    They are not taken again unless they are given back, so a message whose sender dies is not sent
    twice.

    Args:
        cursor: that of a transaction.
        providers: those for which this sender takes messages.
        limit: most messages in all.
        most_of: most messages of a provider; further ones stay for the next look.
    """
    left = {name: most_of.get(name, limit) for name in providers}
    seen = 0
    taken: list[TakenSingleMessage] = []
    for purpose, wanted_for in WANTED_SECONDS.items():
        room = limit - seen
        if room:
            cursor.execute(SELECT_WAITING, (int(purpose), tuple(providers), wanted_for, room))
            for id_, campaign_id, provider, phone, body, content in cursor.fetchall():
                seen += 1
                if left[provider] > 0:
                    left[provider] -= 1
                    rendered = _rendered(body, content)
                    taken.append(
                        TakenSingleMessage(id_, purpose, campaign_id, provider, phone, *rendered)
                    )
    if taken:
        cursor.execute(TAKE, (tuple(message.id for message in taken),))
    return taken


def give_back_single_messages(cursor: Cursor, ids: Collection[int]) -> None:
    """Leave messages that were taken, and for which no provider was called, to any sender."""
    cursor.execute(GIVE_BACK, (tuple(ids),))


def end_single_message(cursor: Cursor, outcome: SingleOutcome) -> None:
    """Record what became of a message."""
    cursor.execute(
        END,
        (int(outcome.status), outcome.provider_message_id, outcome.error_code, outcome.id),
    )


def delete_old_single_messages(cursor: Cursor, limit: int) -> int:
    """Delete messages that are older than a day; returns how many went."""
    return cursor.execute(DELETE_OLD, (KEPT_HOURS, limit))


def _rendered(body: str, column: str | None) -> tuple[Rendered, str | None]:
    if column is None:
        return Rendered(body), None
    stored = _decode(column)
    return Rendered(body, stored.template), stored.originator
