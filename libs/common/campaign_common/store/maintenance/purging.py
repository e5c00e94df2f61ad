"""purged_campaigns: campaigns that are deleted, what is kept of them, and who did it.

The row takes the place of the campaign's own in one transaction, so that a campaign is there as a
whole or not at all; what else it had goes afterwards, in slices, and `emptied_at` says when all of
that is gone.
"""

import json
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import OVER, CampaignId
from campaign_common.store.campaigns.finishing import with_open_requests
from campaign_common.store.core.counters import counts, counts_by_status


class OldCampaign(NamedTuple):
    """A campaign that has been over for long; `rows`: what its ledger holds, by the counters."""

    id: CampaignId
    name: str
    state: str
    over_since: datetime
    rows: int


class PurgedCampaign(NamedTuple):
    """A campaign of which rows may still be there."""

    id: CampaignId
    name: str
    shards: int
    rows: int


class TakenOut(Enum):
    """The result of taking a campaign out."""

    DONE = "done"
    GONE = "gone"
    """It is not there any more, or not over for long enough any more."""
    HELD = "held"
    """A command to the owner of one of its shards is open."""


# A failed campaign has no time of its end, but an event.
_OVER_SINCE = """
COALESCE(c.finished_at, (SELECT MAX(e.at) FROM campaign_events e WHERE e.campaign_id = c.id),
         c.created_at)"""

_IS_OLD = f"c.state IN %s AND {_OVER_SINCE} < NOW(6) - INTERVAL %s SECOND"

SELECT_OLD = f"""
SELECT c.id, c.name, c.state, {_OVER_SINCE}
FROM campaigns c WHERE c.id > %s AND {_IS_OLD} ORDER BY c.id LIMIT %s
"""

LOCK_CAMPAIGN = "SELECT id FROM campaigns WHERE id = %s FOR UPDATE"

IS_OLD = f"SELECT 1 FROM campaigns c WHERE c.id = %s AND {_IS_OLD}"

KEEP_TRACE = f"""
INSERT INTO purged_campaigns (id, name, state, list_id, list_sha256, request_digest, shards, total,
                              outcomes, created_at, started_at, over_since, actor, purged_at)
SELECT c.id, c.name, c.state, c.list_id, l.sha256, c.request_digest, c.shards, c.total,
       %s, c.created_at, c.started_at, {_OVER_SINCE}, %s, NOW(6)
FROM campaigns c LEFT JOIN recipient_lists l ON l.id = c.list_id WHERE c.id = %s
"""

DELETE_CAMPAIGN = "DELETE FROM campaigns WHERE id = %s"

SELECT_UNFINISHED = """
SELECT id, name, shards, outcomes FROM purged_campaigns
WHERE emptied_at IS NULL ORDER BY id LIMIT %s
"""

NOTE_EMPTIED = "UPDATE purged_campaigns SET emptied_at = NOW(6) WHERE id = %s"

COUNT_UNFINISHED = """
SELECT COUNT(*) FROM purged_campaigns
WHERE emptied_at IS NULL AND purged_at < NOW(6) - INTERVAL %s SECOND
"""


def old_campaigns(
    cursors: Cursors, seconds: int, *, after_id: int, limit: int
) -> list[OldCampaign]:
    """Read campaigns with ids above `after_id` that have been over for so many seconds."""
    cursors.main.execute(SELECT_OLD, (after_id, tuple(OVER), seconds, limit))
    old = cursors.main.fetchall()
    counted = counts_by_status(cursors, [row[0] for row in old])
    return [
        OldCampaign(id_, name, state, over_since, sum(counted[id_].values()))
        for id_, name, state, over_since in old
    ]


def take_out(cursors: Cursors, campaign_id: CampaignId, seconds: int, actor: str) -> TakenOut:
    """Delete the row of a campaign that has been over for `seconds`, and keep a trace of it.

    The caller has a transaction on the main server. This locks the campaign, as a retry by hand
    does, which makes the campaign run again: the second of the two sees what the first has done.
    """
    cursor = cursors.main
    if not cursor.execute(LOCK_CAMPAIGN, (campaign_id,)):
        return TakenOut.GONE
    if not cursor.execute(IS_OLD, (campaign_id, tuple(OVER), seconds)):
        return TakenOut.GONE
    if with_open_requests(cursors, [campaign_id]):
        return TakenOut.HELD
    outcomes = {status.word: n for status, n in counts(cursors, campaign_id).items() if n}
    cursor.execute(KEEP_TRACE, (json.dumps(outcomes), actor, campaign_id))
    cursor.execute(DELETE_CAMPAIGN, (campaign_id,))
    return TakenOut.DONE


def unfinished_purges(cursor: Cursor, limit: int) -> list[PurgedCampaign]:
    """Read purged campaigns of which rows may still be there."""
    cursor.execute(SELECT_UNFINISHED, (limit,))
    return [
        PurgedCampaign(id_, name, shards or 0, sum(json.loads(outcomes).values()))
        for id_, name, shards, outcomes in cursor.fetchall()
    ]


def note_emptied(cursor: Cursor, campaign_id: CampaignId) -> None:
    """Note that nothing of a campaign is left but its trace."""
    cursor.execute(NOTE_EMPTIED, (campaign_id,))


def count_unfinished_purges(cursor: Cursor, seconds: int) -> int:
    """Count the purges that were begun more than so many seconds ago and are not at their end."""
    cursor.execute(COUNT_UNFINISHED, (seconds,))
    ((n,),) = cursor.fetchall()
    return int(n)
