"""Statistics for dashboards: over all campaigns, of the active ones, and of the senders."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from campaign_api.times import rfc3339_utc
from campaign_api.withheld_reasons import without_reasons
from campaign_common.database import Cursors, Databases
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import FINAL, Status
from campaign_common.store.core.counters import counts_by_status
from campaign_common.store.maintenance import statistics as store
from campaign_common.store.maintenance.statistics import (
    CampaignActivity,
    EarlierCount,
    SenderHeartbeat,
)

TOTALS_KEPT = 5.0
"""Seconds for which sums over all campaigns are cached."""

MOST_ACTIVE = 100
"""Active campaigns that are named; the youngest."""


class CampaignTotals(NamedTuple):
    """Sums over all campaigns, as in responses."""

    campaigns: dict[str, int]
    messages: dict[str, int]


class Statistics:
    """Statistics; sums that cost more than an index lookup are cached for seconds."""

    def __init__(self, databases: Databases, clock: Callable[[], float] = time.monotonic) -> None:
        self._databases = databases
        self._clock = clock
        self._summing = threading.Lock()
        self._totals: CampaignTotals | None = None
        self._summed_at = 0.0

    def read(self, *, shows_reasons: bool) -> dict[str, Any]:
        """Read everything.

        Without `shows_reasons` it is not said why senders can not send, which names secrets.

        Raises:
            RetryLater: a database is down.
        """
        totals = self._current_totals()
        with self._databases.reading() as cursors:
            active = store.active_campaigns(cursors.main, MOST_ACTIVE)
            ids = [campaign.id for campaign in active]
            counts = counts_by_status(cursors, ids)
            earlier = store.earlier_counts(cursors.main, ids)
            senders = store.live_senders(cursors)
        if not shows_reasons:
            senders = without_reasons(senders)
        described = [
            _describe(campaign, counts[campaign.id], earlier.get(campaign.id))
            for campaign in active
        ]
        return {
            "campaigns": totals.campaigns,
            "messages": totals.messages,
            "active": described,
            "senders": [_describe_sender(sender) for sender in senders],
            "lag": sum(one["lag"] for one in described),
        }

    def _current_totals(self) -> CampaignTotals:
        with self._summing:
            if self._totals is None or self._clock() - self._summed_at >= TOTALS_KEPT:
                with self._databases.reading() as cursors:
                    self._totals = _sum(cursors)
                self._summed_at = self._clock()
            return self._totals


def _sum(cursors: Cursors) -> CampaignTotals:
    # Counters first: an outcome recorded in between then counts as to do, and not twice.
    others, of_cancelled = store.totals_by_status(cursors)
    states = store.totals_by_state(cursors.main)
    counts = {status: others.get(status, 0) for status in Status}
    for status in FINAL:
        counts[status] += of_cancelled.get(status, 0)
    if CampaignState.CANCELLED in states:
        # Of a cancelled campaign, what has no outcome never gets another one.
        left = states[CampaignState.CANCELLED].recipients - _ended(of_cancelled)
        counts[Status.CANCELLED] += max(left, 0)
    total = sum(of_state.recipients for of_state in states.values())
    del counts[Status.NOT_STARTED]
    return CampaignTotals(
        {state.value: states[state].campaigns if state in states else 0 for state in CampaignState},
        {
            "total": total,
            **{status.word: n for status, n in counts.items()},
            "pending": max(total - _ended(counts), 0),
        },
    )


def _describe(
    campaign: CampaignActivity, counts: Mapping[Status, int], earlier: EarlierCount | None
) -> dict[str, Any]:
    ended = _ended(counts)
    running = campaign.state is CampaignState.RUNNING
    return {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state.value,
        "started_at": rfc3339_utc(campaign.started_at),
        "total": campaign.total,
        "pending": campaign.total - ended,
        "rate": _rate(ended, earlier) if running else 0.0,
        # A resume counts from the first recipient again, and passes over who has an outcome.
        "lag": max(campaign.published - sum(counts.values()), 0) if running else 0,
    }


def _rate(ended: int, earlier: EarlierCount | None) -> float | None:
    if earlier is None or earlier.seconds <= 0:
        return None
    return round(max(ended - earlier.ended, 0) / earlier.seconds, 1)


def _describe_sender(sender: SenderHeartbeat) -> dict[str, Any]:
    return {
        "name": sender.name,
        "seen_at": rfc3339_utc(sender.seen_at),
        "partitions": sender.partitions,
        "shards": sender.shards,
        "providers": None
        if sender.providers is None
        else [{"name": name, "problem": problem} for name, problem in sender.providers.items()],
    }


def _ended(counts: Mapping[Status, int]) -> int:
    return sum(n for status, n in counts.items() if status in FINAL)
