"""suppressions of people whose number takes no messages, after hard bounces."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import MessageKey
from campaign_common.domain.recipient import is_erased
from campaign_common.domain.suppressions.suppression_scope import EVERYTHING
from campaign_common.store.suppressions.suppressions import (
    Suppression,
    changes_of,
    put_suppression,
    suppressions_of,
)


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
    cursor: Cursor, suppression: Suppression, lasts: float | None, actor: str
) -> None:
    """Add a suppression that lasts so many seconds, or without end; one that is over goes."""
    until = None if lasts is None else _now(cursor) + timedelta(seconds=lasts)
    put_suppression(cursor, suppression._replace(until=until), actor)


def _now(cursor: Cursor) -> datetime:
    cursor.execute(SELECT_NOW)
    ((now,),) = cursor.fetchall()
    return now  # type: ignore[no-any-return]
