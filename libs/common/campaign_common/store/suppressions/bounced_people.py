"""suppressions of people whose number takes no messages, after hard bounces."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.domain.recipient import is_erased
from campaign_common.domain.suppressions.suppression_scope import EVERYTHING
from campaign_common.store.suppressions.link_recipients import find_link_recipient
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    changes_of,
    note_additions,
    suppressions_of,
)

SECOND = 1_000_000
"""Microseconds."""


class SuppressedBefore(NamedTuple):
    """The suppressions of a person so far, of one scope or of everything; times are UTC, naive."""

    in_force: bool
    since: datetime | None
    """The time at which the last one was removed, or over."""


SELECT_PEOPLE = """
SELECT p.seq, p.phone FROM campaigns c STRAIGHT_JOIN recipients p ON p.list_id = c.list_id
WHERE c.id = %s AND p.seq IN %s
"""

SELECT_NOW = "SELECT NOW(6)"

# What is in force stays as it is: it may have come since the caller looked, and is the wish of a
# person. Assignments are made from left to right: `until` is the last.
PUT = """
INSERT INTO suppressions (phone, scope, reason, source, since, until, note)
VALUES (%s, %s, %s, %s, NOW(6), NOW(6) + INTERVAL %s MICROSECOND, %s)
ON DUPLICATE KEY UPDATE
  reason = IF(until <= NOW(6), VALUES(reason), reason),
  source = IF(until <= NOW(6), VALUES(source), source),
  since = IF(until <= NOW(6), VALUES(since), since),
  note = IF(until <= NOW(6), VALUES(note), note),
  until = IF(until <= NOW(6), VALUES(until), until)
"""

SELECT_PUT = """
SELECT until, reason, source, note FROM suppressions WHERE phone = %s AND scope = %s
"""


def people_of(cursor: Cursor, messages: Collection[MessageKey]) -> dict[MessageKey, str]:
    """Return the numbers of the people of some messages, without those that are gone."""
    by_campaign: dict[CampaignId, list[int]] = defaultdict(list)
    for key in messages:
        by_campaign[key.campaign_id].append(key.seq)
    people = {}
    for campaign_id, seqs in by_campaign.items():
        cursor.execute(SELECT_PEOPLE, (campaign_id, tuple(seqs)))
        for seq, phone in cursor.fetchall():
            if not is_erased(phone):
                people[MessageKey(campaign_id, seq)] = phone
    return people


def suppressed_before(cursor: Cursor, phone: str, scope: str) -> SuppressedBefore:
    """Return what there was of suppressions of a person, for a scope or for everything."""
    now = _now(cursor)
    ends = [
        change.changed_at
        for change in changes_of(cursor, phone)
        if not change.is_added and change.scope == scope
    ]
    in_force = False
    for one in suppressions_of(cursor, phone):
        if one.scope not in (scope, EVERYTHING):
            continue
        if one.until is None or one.until > now:
            in_force = True
        elif one.scope == scope:
            ends.append(one.until)
    return SuppressedBefore(in_force, max(ends, default=None))


def suppress_bounced(
    cursor: Cursor,
    key: MessageKey,
    suppression: Suppression,
    lasts: float | None,
    actor: str,
    *,
    again: bool = False,
) -> bool:
    """Suppress the recipient of a message; return whether that took effect.

    It lasts so many seconds, or without end. It does not take effect where the person has a
    suppression of the scope that is in force, or was erased, also since the caller looked: the
    person cannot be erased until the transaction ends. `again`: note the change once more where
    the suppression is as it was made before.
    """
    recipient = find_link_recipient(cursor, key.campaign_id, key.seq, lock=True)
    if recipient is None or recipient.phone != suppression.phone:
        return False
    phone, scope, reason, source, _, _, note = suppression
    microseconds = None if lasts is None else round(lasts * SECOND)
    is_changed = cursor.execute(PUT, (phone, scope, reason, source, microseconds, note)) > 0
    cursor.execute(SELECT_PUT, (phone, scope))
    ((until, *found),) = cursor.fetchall()
    if not is_changed and not (again and found == [reason, source, note]):
        return False
    note_additions(cursor, [suppression._replace(until=until)], actor)
    return True


def _now(cursor: Cursor) -> datetime:
    cursor.execute(SELECT_NOW)
    ((now,),) = cursor.fetchall()
    return now  # type: ignore[no-any-return]
