"""campaigns and shard_claims of a restored database: held until a person decides."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId, CampaignState, Transition, apply
from campaign_common.store.core.events import append_event

EPOCH_STEP = 1_000_000
"""By how much a campaign's epoch rises: above whatever it reached between backup and restore, so
that no record published meanwhile is taken for one of now."""

REASON = "the database was restored from a backup"


class Held(NamedTuple):
    """A campaign that would have continued, with its state before and after."""

    id: CampaignId
    name: str
    before: CampaignState
    after: CampaignState
    scheduled_at: datetime | None
    """When it was to start (UTC, naive)."""


LOCK_CAMPAIGNS = """
SELECT id, name, state, scheduled_at FROM campaigns
WHERE id > %s AND state NOT IN ('cancelled', 'failed') ORDER BY id LIMIT %s FOR UPDATE
"""

# As CHANGE_STATE of store.campaigns.transitions, for one that was paused already, too.
PAUSE_RUNNING = """
UPDATE campaigns
SET state = 'paused', epoch = epoch + %s, lease_epoch = lease_epoch + 1, lease_until = NOW(6),
    published_seq = 0, published_count = 0
WHERE id = %s
"""

UNSCHEDULE = """
UPDATE campaigns SET state = 'draft', epoch = epoch + %s, scheduled_at = NULL WHERE id = %s
"""

RAISE_EPOCH = "UPDATE campaigns SET epoch = epoch + %s WHERE id = %s"

# What is claimed stays: it is settled by the next owner, as what a lost sender had claimed.
DISOWN = """
UPDATE shard_claims
SET epoch = epoch + 1, owner_token = REPEAT('\\0', 16), owner_name = '', updated_at = NOW(6)
"""

SELECT_COUNTED = "SELECT campaign_id, MAX(shard) + 1 FROM campaign_counters GROUP BY campaign_id"

SELECT_KNOWN = """
SELECT id FROM campaigns WHERE id IN %s UNION ALL SELECT id FROM purged_campaigns WHERE id IN %s
"""

SET_ASIDE = """
INSERT INTO purged_campaigns (id, name, state, list_id, shards, outcomes, created_at, over_since,
                              actor, purged_at)
VALUES (%s, '', 'cancelled', 0, %s, '{}', NOW(6), NOW(6), %s, NOW(6))
"""


def hold_campaigns(
    cursor: Cursor, actor: str, *, after_id: int, limit: int
) -> tuple[Sequence[Held], int | None]:
    """Hold up to `limit` campaigns with ids above `after_id`; again changes no state.

    A running one is paused and a scheduled one becomes a draft, each with an event. Returns these,
    and the last id that was looked at, None at the end.
    """
    cursor.execute(LOCK_CAMPAIGNS, (after_id, limit))
    rows = cursor.fetchall()
    held = [
        found
        for id_, name, state, scheduled_at in rows
        if (found := _hold(cursor, actor, Held(id_, name, state, state, scheduled_at)))
    ]
    return held, rows[-1][0] if len(rows) == limit else None


def counted_campaigns(cursor: Cursor) -> dict[CampaignId, int]:
    """List the campaigns that have outcomes on a server, each with how many shards at least."""
    cursor.execute(SELECT_COUNTED)
    return dict(cursor.fetchall())


def set_aside_unknown(
    cursor: Cursor, counted: Mapping[CampaignId, int], actor: str
) -> list[CampaignId]:
    """Treat campaigns that only other servers know of as purged, which is what they are here.

    Their ids are not used again, whose outcomes would stand for other people, and the next purge
    deletes what there is of them. Returns the ids.
    """
    if not counted:
        return []
    cursor.execute(SELECT_KNOWN, (tuple(counted), tuple(counted)))
    unknown = sorted(counted.keys() - {campaign_id for (campaign_id,) in cursor.fetchall()})
    for campaign_id in unknown:
        cursor.execute(SET_ASIDE, (campaign_id, counted[campaign_id], actor))
    return unknown


def disown_shards(cursor: Cursor) -> None:
    """Take all shards from their owners, whatever these remember."""
    cursor.execute(DISOWN)


def _hold(cursor: Cursor, actor: str, found: Held) -> Held | None:
    before = after = CampaignState(found.before)
    if before is CampaignState.RUNNING:
        after = apply(Transition.PAUSE, before)
        cursor.execute(PAUSE_RUNNING, (EPOCH_STEP, found.id))
    elif before is CampaignState.SCHEDULED:
        after = apply(Transition.HOLD, before)
        cursor.execute(UNSCHEDULE, (EPOCH_STEP, found.id))
    elif before is CampaignState.PAUSED:
        cursor.execute(PAUSE_RUNNING, (EPOCH_STEP, found.id))
    else:
        cursor.execute(RAISE_EPOCH, (EPOCH_STEP, found.id))
    if before is after:
        return None
    append_event(cursor, found.id, actor, from_state=before, to_state=after, reason=REASON)
    return found._replace(before=before, after=after)
