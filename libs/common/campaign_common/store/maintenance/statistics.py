"""Numbers over all campaigns, for dashboards: totals, what is active, which senders are alive."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from pymysql.cursors import Cursor

from campaign_common.database.cursors import Cursors
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.message import Status
from campaign_common.store.shards.partition_map import read_owners

ALIVE_FOR = 15
"""Seconds after its last sign during which a sender counts as alive; it gives one every 5."""

RATE_SPAN = 60
"""Seconds over which the rate of a campaign is measured."""

NO_CAMPAIGN = (-1,)
"""For a list of ids that would be empty, which SQL does not allow."""


class StateTotals(NamedTuple):
    """The campaigns in one state, and the recipients of those of them that were started."""

    campaigns: int
    recipients: int


class CampaignActivity(NamedTuple):
    """A running or paused campaign; times are UTC, naive."""

    id: CampaignId
    name: str
    state: CampaignState
    started_at: datetime
    total: int
    published: int
    """Recipients that are published, or passed over because they have an outcome."""


class EarlierCount(NamedTuple):
    """The number of ended messages of a campaign, some seconds ago."""

    ended: int
    seconds: float


class ProviderStatistics(msgspec.Struct, frozen=True):
    """Statistics of a provider in one sender, over the last `span` seconds."""

    breaker: str
    account_refused: bool
    asked_to_wait: bool
    """An answer asked to wait, and that time is not over."""
    span: float
    answers: Mapping[str, int]
    """Number of answers by send status."""
    durations: tuple[Sequence[int], int, float]
    """Requests by duration, as `CountedValues` with the bounds `SECONDS`."""
    settings: Mapping[str, str] = {}
    """Limits by their keys, and a digest of the other settings, as the sender has them; empty: its
    version does not say."""


class RecentHeartbeat(NamedTuple):
    """Row of a sender with a recent heartbeat."""

    name: str
    seen_at: datetime
    providers: Mapping[str, str | None] | None
    """Obstacles to its sends, by provider; None: it is of 0.2.0, which does not say."""
    statistics: Mapping[str, ProviderStatistics] | None
    """Statistics of each configured provider; None: it is of 0.2.0."""
    routes: Mapping[str, Mapping[str, str]] | None = None
    """Values of each configured route by their keys; None: it is of 0.2.0."""


class SenderHeartbeat(NamedTuple):
    """A sender with a recent heartbeat, and its partitions and shards."""

    name: str
    seen_at: datetime
    partitions: list[int]
    shards: list[int]
    providers: Mapping[str, str | None] | None = None
    """Obstacles to its sends, by provider; None: it is of 0.2.0, which does not say."""
    routes: Mapping[str, Mapping[str, str]] | None = None
    """Values of each configured route by their keys; None: it is of 0.2.0."""
    settings: Mapping[str, Mapping[str, str]] = {}
    """Settings of each configured provider by their keys, where its version says them."""


SELECT_STATES = """
SELECT state, COUNT(*), CAST(COALESCE(SUM(total), 0) AS SIGNED) FROM campaigns GROUP BY state
"""

SELECT_CANCELLED = "SELECT id FROM campaigns WHERE state = 'cancelled'"

SUM_COUNTERS = """
SELECT campaign_id IN %s, status, CAST(SUM(n) AS SIGNED) FROM campaign_counters GROUP BY 1, 2
"""

SELECT_ACTIVE = """
SELECT id, name, state, started_at, total, published_count FROM campaigns
WHERE state IN ('running', 'paused') ORDER BY started_at DESC, id DESC LIMIT %s
"""

SELECT_EARLIER = """
SELECT s.campaign_id, s.ended, TIMESTAMPDIFF(MICROSECOND, s.sampled_at, NOW(6)) / 1000000.0
FROM campaign_samples s
JOIN (SELECT campaign_id, MIN(sampled_at) AS sampled_at FROM campaign_samples
      WHERE campaign_id IN %s AND sampled_at >= NOW(6) - INTERVAL %s SECOND
      GROUP BY campaign_id) oldest
  ON oldest.campaign_id = s.campaign_id AND oldest.sampled_at = s.sampled_at
"""

SELECT_SENDERS = """
SELECT name, seen_at, providers, statistics, routes FROM sender_heartbeats
WHERE seen_at >= NOW(6) - INTERVAL %s SECOND ORDER BY name
"""

BEAT = """
INSERT INTO sender_heartbeats (name, seen_at, providers, statistics, routes)
VALUES (%s, NOW(6), %s, %s, %s)
ON DUPLICATE KEY UPDATE seen_at = NOW(6), providers = VALUES(providers),
  statistics = VALUES(statistics), routes = VALUES(routes)
"""

_decode_statistics = msgspec.json.Decoder(dict[str, ProviderStatistics]).decode

FORGET_SENDERS = "DELETE FROM sender_heartbeats WHERE seen_at < NOW(6) - INTERVAL 1 DAY"

FORGET_SENDER = "DELETE FROM sender_heartbeats WHERE name = %s"


def totals_by_state(cursor: Cursor) -> dict[CampaignState, StateTotals]:
    """Count the campaigns in each state."""
    cursor.execute(SELECT_STATES)
    return {
        CampaignState(state): StateTotals(campaigns, int(recipients))
        for state, campaigns, recipients in cursor.fetchall()
    }


def totals_by_status(cursors: Cursors) -> tuple[Counter[Status], Counter[Status]]:
    """Sum the counters of all campaigns: of those that are not cancelled, and of those that are."""
    cursors.main.execute(SELECT_CANCELLED)
    cancelled_ids = [campaign_id for (campaign_id,) in cursors.main.fetchall()]
    totals: tuple[Counter[Status], Counter[Status]] = (Counter(), Counter())
    for cursor in cursors.all:
        cursor.execute(SUM_COUNTERS, (cancelled_ids or NO_CAMPAIGN,))
        for cancelled, status, n in cursor.fetchall():
            totals[int(cancelled)][Status(status)] += int(n)
    return totals


def active_campaigns(cursor: Cursor, limit: int) -> list[CampaignActivity]:
    """Read running and paused campaigns, the youngest first."""
    cursor.execute(SELECT_ACTIVE, (limit,))
    return [
        CampaignActivity(id_, name, CampaignState(state), *others)
        for id_, name, state, *others in cursor.fetchall()
    ]


def earlier_counts(
    cursor: Cursor, campaign_ids: Sequence[CampaignId]
) -> dict[CampaignId, EarlierCount]:
    """Read the oldest sample of the last minute of each campaign that has one."""
    if not campaign_ids:
        return {}
    cursor.execute(SELECT_EARLIER, (tuple(campaign_ids), RATE_SPAN))
    return {
        campaign_id: EarlierCount(ended, float(seconds))
        for campaign_id, ended, seconds in cursor.fetchall()
    }


def live_senders(cursors: Cursors) -> list[SenderHeartbeat]:
    """Read which senders are alive, and what each of them owns."""
    heartbeats = recent_heartbeats(cursors.main)
    partitions: dict[str, set[int]] = defaultdict(set)
    shards: dict[str, list[int]] = defaultdict(list)
    for owner in read_owners(cursors):
        partitions[owner.owner_name].add(owner.position.partition)
        shards[owner.owner_name].append(owner.position.shard)
    return [
        SenderHeartbeat(
            one.name,
            one.seen_at,
            sorted(partitions[one.name]),
            shards[one.name],
            one.providers,
            one.routes,
            {name: each.settings for name, each in (one.statistics or {}).items() if each.settings},
        )
        for one in heartbeats
    ]


def recent_heartbeats(cursor: Cursor) -> list[RecentHeartbeat]:
    """Read the senders that are alive, by name."""
    cursor.execute(SELECT_SENDERS, (ALIVE_FOR,))
    return [
        RecentHeartbeat(
            name,
            seen_at,
            None if providers is None else msgspec.json.decode(providers),
            _statistics(statistics),
            None if routes is None else msgspec.json.decode(routes),
        )
        for name, seen_at, providers, statistics, routes in cursor.fetchall()
    ]


def _statistics(column: str | None) -> Mapping[str, ProviderStatistics] | None:
    """Return what a sender says; None where it is of another version, with another form."""
    try:
        return None if column is None else _decode_statistics(column)
    except msgspec.MsgspecError:
        return None


def note_sender(
    cursor: Cursor,
    name: str,
    providers: Mapping[str, str | None] | None = None,
    statistics: Mapping[str, ProviderStatistics] | None = None,
    routes: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Give a sign that a sender is alive, and forget those that have long been gone.

    `providers`: what keeps it from sending, by provider; `statistics`: of those configured;
    `routes`: the values of those configured, by their keys.
    """
    columns = (
        None if each is None else msgspec.json.encode(each)
        for each in (providers, statistics, routes)
    )
    cursor.execute(BEAT, (name, *columns))
    cursor.execute(FORGET_SENDERS)


def forget_sender(cursor: Cursor, name: str) -> None:
    """Note that a sender has stopped in order."""
    cursor.execute(FORGET_SENDER, (name,))
