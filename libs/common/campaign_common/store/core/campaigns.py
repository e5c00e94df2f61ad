"""campaigns: creation, state changes by compare-and-set, and what other parts read of them."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from math import inf
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignEpoch, CampaignId, CampaignState, Delivery
from campaign_common.domain.limits.campaign_pace import CampaignPace
from campaign_common.store.core.budgets import CURRENCY_OF


class CampaignVersion(NamedTuple):
    """The facts of a campaign on which a sender decides before each send.

    `expires_in` is in seconds by the database's clock at the time of the read. `running` counts
    from the start; it is read where messages are admitted, and infinite elsewhere.
    """

    state: CampaignState
    epoch: CampaignEpoch
    delivery: Delivery
    provider: str
    expires_in: float | None
    traceparent: str | None = None
    """The request that set it going."""
    running: float = inf
    pace: CampaignPace = CampaignPace()
    budget: str | None = None
    """Currency of its budget; None: it has none."""
    topic: str | None = None
    """Subject of its messages, for suppressions of that topic; None: it has none."""

    def sends(self, epoch: CampaignEpoch) -> bool:
        """Return whether a record published under `epoch` may still be sent."""
        return self.state is CampaignState.RUNNING and self.epoch == epoch


class VersionColumns(NamedTuple):
    """Columns of a campaign that make a version."""

    state: str
    epoch: int
    delivery: str
    provider: str
    expires_in: Decimal | None
    traceparent: str | None
    max_rate: Decimal | None
    priority: int
    budget: str | None
    topic: str | None = None


EXPIRES_IN = "TIMESTAMPDIFF(MICROSECOND, NOW(6), expires_at) / 1000000.0"

RUNNING = "TIMESTAMPDIFF(MICROSECOND, started_at, NOW(6)) / 1000000.0"

SELECT_VERSIONS = f"""
SELECT id, state, epoch, delivery, provider, {EXPIRES_IN}, traceparent, max_rate, priority,
       {CURRENCY_OF}, topic, {RUNNING}
FROM campaigns WHERE id IN %s
"""

SELECT_PRESENT = "SELECT id FROM campaigns WHERE id IN %s"

SELECT_ACTIVE = "SELECT id FROM campaigns WHERE state IN ('running', 'paused')"

SELECT_PURGED = "SELECT 1 FROM purged_campaigns WHERE id = %s"

SELECT_EXTENT = "SELECT state, last_seq FROM campaigns WHERE id = %s"


def which_are_present(cursor: Cursor, campaign_ids: Collection[CampaignId]) -> set[CampaignId]:
    """Return the ids that exist; a read that ends with this one shows that nothing was purged."""
    if not campaign_ids:
        return set()
    cursor.execute(SELECT_PRESENT, (tuple(campaign_ids),))
    return {row[0] for row in cursor.fetchall()}


def active_ids(cursor: Cursor) -> list[CampaignId]:
    """List the campaigns that have started and are not over."""
    cursor.execute(SELECT_ACTIVE)
    return [campaign_id for (campaign_id,) in cursor.fetchall()]


def read_extent(cursor: Cursor, campaign_id: CampaignId) -> tuple[CampaignState, int] | None:
    """Read a campaign's state and its last seq, None where it is gone; 0 before its start."""
    cursor.execute(SELECT_EXTENT, (campaign_id,))
    row = cursor.fetchone()
    return None if row is None else (CampaignState(row[0]), row[1] or 0)


def was_purged(cursor: Cursor, campaign_id: CampaignId) -> bool:
    """Return whether a campaign of this id was purged: the id must not be used again."""
    return bool(cursor.execute(SELECT_PURGED, (campaign_id,)))


def read_versions(
    cursor: Cursor, campaign_ids: Iterable[CampaignId]
) -> dict[CampaignId, CampaignVersion]:
    """Read the data of campaigns that senders need; ids that do not exist are left out."""
    ids = tuple(campaign_ids)
    if not ids:
        return {}
    cursor.execute(SELECT_VERSIONS, (ids,))
    return {
        campaign_id: version_of(VersionColumns(*columns))._replace(
            running=inf if running is None else float(running)
        )
        for campaign_id, *columns, running in cursor.fetchall()
    }


def version_of(columns: VersionColumns) -> CampaignVersion:
    """Make a version of the columns of a row."""
    return CampaignVersion(
        CampaignState(columns.state),
        CampaignEpoch(int(columns.epoch)),
        Delivery(columns.delivery),
        columns.provider,
        None if columns.expires_in is None else float(columns.expires_in),
        columns.traceparent,
        pace=CampaignPace(columns.max_rate, int(columns.priority)),
        budget=columns.budget,
        topic=columns.topic,
    )
