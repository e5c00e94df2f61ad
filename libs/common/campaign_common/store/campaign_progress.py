"""campaigns: what people want to know of one that is on its way or over."""

from datetime import datetime
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.campaign import CampaignState


class CampaignProgress(NamedTuple):
    """A campaign and its list, read at `now` by the database's clock; times are UTC, naive.

    `total` is None before the start; `left_alone_until` is set while the circuit breaker of
    the provider is open.
    """

    id: int
    name: str
    state: CampaignState
    failure_reason: str | None
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    now: datetime
    total: int | None
    list_id: int
    accepted: int
    duplicates: int
    rejected: int
    delivery: str
    provider: str
    left_alone_until: datetime | None


SELECT_PROGRESS = """
SELECT c.id, c.name, c.state, c.failure_reason, c.scheduled_at, c.started_at, c.finished_at,
       NOW(6), c.total, l.id, l.accepted, l.duplicates, l.rejected, c.delivery, c.provider,
       b.open_until
FROM campaigns c JOIN recipient_lists l ON l.id = c.list_id
LEFT JOIN provider_breakers b ON b.provider = c.provider AND b.open_until > NOW(6)
WHERE c.id = %s
"""


def read_progress(cursor: Cursor, campaign_id: int) -> CampaignProgress | None:
    """Read a campaign, or None when there is none of that id."""
    cursor.execute(SELECT_PROGRESS, (campaign_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    id_, name, state, *others = row
    return CampaignProgress(id_, name, CampaignState(state), *others)
