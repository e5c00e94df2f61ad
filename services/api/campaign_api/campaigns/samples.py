"""Samples of a campaign: its numbers from its start to its end, or to now."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from campaign_api.campaigns.campaign_reader import unknown
from campaign_api.campaigns.progress import StatusCounts, counts_of, ended_of
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.store.campaigns.kept_samples import KeptSample, read_kept_samples
from campaign_common.store.campaigns.progress import Standing, read_standing

MOST_SAMPLES = 400
"""Samples of a campaign in a response."""


class _Point(NamedTuple):
    at: datetime
    counts: StatusCounts
    lag: int


def samples_of(databases: Databases, campaign_id: CampaignId) -> list[dict[str, Any]]:
    """Describe the samples of a campaign, the oldest first.

    Raises:
        CampaignUnknown: there is none of that id.
        RetryLater: a database is unavailable.
    """
    with databases.reading() as cursors:
        # Before the campaign, which a purge deletes first.
        kept = read_kept_samples(cursors.main, campaign_id)
        standing = read_standing(cursors, campaign_id)
    if standing is None:
        raise unknown(campaign_id)
    return describe_samples(standing, kept)


def describe_samples(standing: Standing, kept: list[KeptSample]) -> list[dict[str, Any]]:
    """Describe a run: its start, what was kept of it, and its end, or how it is now."""
    campaign = standing.campaign
    started_at = campaign.started_at
    if started_at is None:
        return []
    total = campaign.accepted if campaign.total is None else campaign.total
    is_over = campaign.finished_at is not None
    end = _Point(
        campaign.finished_at or campaign.now,
        counts_of(campaign.state, total, standing.counted.by_status),
        0 if is_over else _lag(campaign.published_count, standing.counted.by_status),
    )
    # A sample may be a few seconds late, and the end is none before it.
    between = [one for one in kept if started_at < one.at < end.at]
    while len(between) > MOST_SAMPLES - 2:
        between = between[::2]
    running = CampaignState.RUNNING
    points = [
        _Point(started_at, counts_of(running, total, {}), 0),
        *(_Point(one.at, counts_of(running, total, one.counts), one.unrecorded) for one in between),
        end,
    ]
    rates = [None, *(_rate(before, point) for before, point in pairwise(points))]
    return [_describe(point, total, rate) for point, rate in zip(points, rates, strict=True)]


def _lag(published: int, counted: StatusCounts) -> int:
    return max(published - sum(counted.values()), 0)


def _rate(before: _Point, point: _Point) -> float | None:
    seconds = (point.at - before.at).total_seconds()
    if seconds <= 0:
        return None
    # What a person has retried leaves the final outcomes again.
    return round(max(ended_of(point.counts) - ended_of(before.counts), 0) / seconds, 1)


def _describe(point: _Point, total: int, rate: float | None) -> dict[str, Any]:
    return {
        "at": point.at.replace(tzinfo=UTC),
        "counts": {status.word: n for status, n in point.counts.items()},
        "pending": total - ended_of(point.counts),
        "lag": point.lag,
        "rate": rate,
    }
