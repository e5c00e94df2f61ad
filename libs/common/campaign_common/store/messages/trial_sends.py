"""trial_messages: single messages outside of any counter, each taken by one sender, once."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import msgspec
from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.domain.message import Status
from campaign_common.domain.message_record import MessageTemplate
from campaign_common.domain.receipts.receipt_rank import ReceiptRank
from campaign_common.store.messages.message_listing import ListedReceipt

KEPT_FOR = 24
"""Hours after which the sweep deletes a test message."""

WANTED_FOR = 30
"""Seconds after which a test message is not sent any more: its request has timed out."""


class NewTrialMessage(NamedTuple):
    """A rendered message that somebody wants to see on a phone."""

    campaign_id: CampaignId
    provider: str
    phone: str
    rendered: Rendered
    originator: str | None
    actor: str


class TakenTrialMessage(NamedTuple):
    """A test message that this sender, and no other, calls the provider for."""

    id: int
    campaign_id: CampaignId
    provider: str
    phone: str
    rendered: Rendered
    originator: str | None


class StoredTrialMessage(NamedTuple):
    """A test message and its result; `status` is None until it is known."""

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


class TrialOutcome(NamedTuple):
    """The outcome of a test message."""

    id: int
    status: Status
    provider_message_id: str | None
    error_code: str | None


INSERT = """
INSERT INTO trial_messages (campaign_id, provider, content_provider, phone, body, content, actor,
                            requested_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, NOW(6))
"""

SELECT_TEST = """
SELECT id, campaign_id, COALESCE(content_provider, provider), phone, body, content, requested_at,
       ended_at, status, provider_message_id, error_code, receipt_rank, receipt_code, reported_at
FROM trial_messages WHERE id = %s
"""

SELECT_WAITING = """
SELECT id, campaign_id, COALESCE(content_provider, provider), phone, body, content
FROM trial_messages
WHERE taken_at IS NULL AND COALESCE(content_provider, provider) IN %s
  AND requested_at > NOW(6) - INTERVAL %s SECOND
ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""

TAKE = "UPDATE trial_messages SET taken_at = NOW(6) WHERE id IN %s"

END = """
UPDATE trial_messages
SET status = %s, provider_message_id = %s, error_code = %s, ended_at = NOW(6)
WHERE id = %s AND status IS NULL
"""

DELETE_OLD = """
DELETE FROM trial_messages WHERE requested_at < NOW(6) - INTERVAL %s HOUR LIMIT %s
"""


class _TrialContentColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    template: MessageTemplate | None = None
    originator: str | None = msgspec.field(name="from", default=None)


_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(_TrialContentColumn).decode


def insert_trial_message(cursor: Cursor, message: NewTrialMessage) -> int:
    """Store a message for any sender to take; returns its id.

    One that a sender of 0.2.0 would send wrongly is stored so that it passes it over.
    """
    rendered, originator = message.rendered, message.originator
    is_plain = rendered.template is None and originator is None
    content = (
        None if is_plain else _encode(_TrialContentColumn(rendered.template, originator)).decode()
    )
    cursor.execute(
        INSERT,
        (
            message.campaign_id,
            message.provider if is_plain else "",
            None if is_plain else message.provider,
            message.phone,
            rendered.body,
            content,
            message.actor,
        ),
    )
    return int(cursor.lastrowid)


def read_trial_message(cursor: Cursor, test_id: int) -> StoredTrialMessage | None:
    """Read a test message, None when it was erased meanwhile."""
    cursor.execute(SELECT_TEST, (test_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, campaign_id, provider, phone, body, content, requested_at, ended_at, *outcome = row
    status, message_id, error_code, rank, code, at = outcome
    rendered, originator = _rendered(body, content)
    return StoredTrialMessage(
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


def take_test_messages(
    cursor: Cursor, providers: Collection[str], limit: int
) -> list[TakenTrialMessage]:
    """Take messages that no other sender has taken, for these providers.

    They are not taken again, so a message whose sender dies is not sent twice.
    """
    cursor.execute(SELECT_WAITING, (tuple(providers), WANTED_FOR, limit))
    taken = [
        TakenTrialMessage(id_, campaign_id, provider, phone, *_rendered(body, content))
        for id_, campaign_id, provider, phone, body, content in cursor.fetchall()
    ]
    if taken:
        cursor.execute(TAKE, (tuple(message.id for message in taken),))
    return taken


def end_trial_message(cursor: Cursor, outcome: TrialOutcome) -> None:
    """Record what became of a test message."""
    cursor.execute(
        END,
        (int(outcome.status), outcome.provider_message_id, outcome.error_code, outcome.id),
    )


def delete_old_test_messages(cursor: Cursor, limit: int) -> int:
    """Delete messages that are older than a day; returns how many went."""
    return cursor.execute(DELETE_OLD, (KEPT_FOR, limit))


def _rendered(body: str, column: str | None) -> tuple[Rendered, str | None]:
    if column is None:
        return Rendered(body), None
    stored = _decode(column)
    return Rendered(body, stored.template), stored.originator
