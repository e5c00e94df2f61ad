"""trial_messages: single messages outside of any counter, each taken by one sender, once."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status

KEPT_FOR = 24
"""Hours after which the sweep deletes a test message."""

WANTED_FOR = 30
"""Seconds after which a test message is not sent any more: its request has timed out."""


class NewTrialMessage(NamedTuple):
    """A rendered message that somebody wants to see on a phone."""

    campaign_id: CampaignId
    provider: str
    phone: str
    body: str
    actor: str


class TakenTrialMessage(NamedTuple):
    """A test message that this sender, and no other, calls the provider for."""

    id: int
    campaign_id: CampaignId
    provider: str
    phone: str
    body: str


class StoredTrialMessage(NamedTuple):
    """A test message and its result; `status` is None until it is known."""

    id: int
    campaign_id: CampaignId
    provider: str
    phone: str
    body: str
    requested_at: datetime
    ended_at: datetime | None
    status: Status | None
    provider_message_id: str | None
    error_code: str | None


class TrialOutcome(NamedTuple):
    """The outcome of a test message."""

    id: int
    status: Status
    provider_message_id: str | None
    error_code: str | None


INSERT = """
INSERT INTO trial_messages (campaign_id, provider, phone, body, actor, requested_at)
VALUES (%s, %s, %s, %s, %s, NOW(6))
"""

SELECT_TEST = """
SELECT id, campaign_id, provider, phone, body, requested_at, ended_at, status,
       provider_message_id, error_code
FROM trial_messages WHERE id = %s
"""

SELECT_WAITING = """
SELECT id, campaign_id, provider, phone, body FROM trial_messages
WHERE taken_at IS NULL AND provider IN %s AND requested_at > NOW(6) - INTERVAL %s SECOND
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


def insert_trial_message(cursor: Cursor, message: NewTrialMessage) -> int:
    """Store a message for any sender to take; returns its id."""
    cursor.execute(INSERT, message)
    return int(cursor.lastrowid)


def read_trial_message(cursor: Cursor, test_id: int) -> StoredTrialMessage | None:
    """Read a test message, None when it was erased meanwhile."""
    cursor.execute(SELECT_TEST, (test_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    message = StoredTrialMessage(*row)
    return message._replace(status=None if message.status is None else Status(message.status))


def take_test_messages(
    cursor: Cursor, providers: Collection[str], limit: int
) -> list[TakenTrialMessage]:
    """Take messages that no other sender has taken, for these providers.

    They are not taken again, so a message whose sender dies is not sent twice.
    """
    cursor.execute(SELECT_WAITING, (tuple(providers), WANTED_FOR, limit))
    taken = [TakenTrialMessage(*row) for row in cursor.fetchall()]
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
