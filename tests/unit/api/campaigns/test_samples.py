"""Samples of a campaign in responses: start, end, and what was kept between them."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from campaign_api.campaigns.samples import MOST_SAMPLES, describe_samples
from campaign_common.domain.campaign import CampaignId, CampaignState
from campaign_common.domain.content.campaign_content import CampaignContent, TextContent
from campaign_common.domain.message import Status
from campaign_common.domain.recipient import ListId
from campaign_common.store.campaigns.kept_samples import KeptSample
from campaign_common.store.campaigns.progress import CampaignProgress, Standing
from campaign_common.store.core.counters import Counted

START = datetime(2026, 1, 1)  # noqa: DTZ001 - as the database has times
SENT, FAILED, WAITING = Status.SENT, Status.FAILED, Status.WAITING


def standing(
    counts: dict[Status, int],
    *,
    state: CampaignState = CampaignState.RUNNING,
    seconds: float = 100,
    published: int = 0,
    is_over: bool = False,
    has_started: bool = True,
) -> Standing:
    """A campaign to 50 people, so many seconds after its start."""
    now = START + timedelta(seconds=seconds)
    campaign = CampaignProgress(
        id=CampaignId(1),
        name="game",
        state=state,
        failure_reason=None,
        scheduled_at=START,
        started_at=START if has_started else None,
        finished_at=now if is_over else None,
        now=now + timedelta(hours=1) if is_over else now,
        total=50,
        list_id=ListId(1),
        accepted=50,
        duplicates=0,
        rejected=0,
        delivery="at_least_once",
        provider="simulated",
        circuit_open_until=None,
        created_at=START,
        expires_after=None,
        expires_at=None,
        published_count=published,
        max_rate=None,
        priority=5,
    )
    return Standing(campaign, Counted(counts, 0), CampaignContent(TextContent("hi")))


def kept(seconds: float, sent: int, unrecorded: int = 0) -> KeptSample:
    return KeptSample(START + timedelta(seconds=seconds), unrecorded, {SENT: sent})


def shown(samples: list[dict[str, Any]]) -> list[tuple[float, int, int, int, float | None]]:
    """Seconds from the start, sent, pending, lag and rate."""
    return [
        (
            (one["at"].replace(tzinfo=None) - START).total_seconds(),
            one["counts"]["sent"],
            one["pending"],
            one["lag"],
            one["rate"],
        )
        for one in samples
    ]


def test_a_short_campaign_has_start_and_end() -> None:
    finished = standing({SENT: 50}, state=CampaignState.FINISHED, seconds=2, is_over=True)
    assert shown(describe_samples(finished, [])) == [(0, 0, 50, 0, None), (2, 50, 0, 0, 25.0)]


def test_a_running_campaign_ends_with_its_present() -> None:
    running = standing({SENT: 30, FAILED: 2, WAITING: 3}, seconds=20, published=45)
    samples = describe_samples(running, [kept(5, 10, 7), kept(10, 20)])
    assert shown(samples) == [
        (0, 0, 50, 0, None),
        (5, 10, 40, 7, 2.0),
        (10, 20, 30, 0, 2.0),
        (20, 30, 18, 10, 1.2),
    ]
    counts = samples[-1]["counts"]
    assert (counts["failed"], counts["waiting"], counts["cancelled"]) == (2, 3, 0)


def test_the_end_is_the_last() -> None:
    """A sample of the end, or of a moment after it, is not shown twice."""
    finished = standing({SENT: 50}, state=CampaignState.FINISHED, seconds=12, is_over=True)
    samples = describe_samples(finished, [kept(5, 20), kept(12, 50), kept(13, 50)])
    assert [one[0] for one in shown(samples)] == [0, 5, 12]


def test_cancelled_people_are_counted_at_the_end() -> None:
    cancelled = standing({SENT: 20}, state=CampaignState.CANCELLED, seconds=10, is_over=True)
    samples = describe_samples(cancelled, [kept(5, 10)])
    assert [one["counts"]["cancelled"] for one in samples] == [0, 0, 30]
    assert [one["pending"] for one in samples] == [50, 40, 0]


def test_a_retry_gives_no_negative_rate() -> None:
    running = standing({SENT: 10, WAITING: 40}, seconds=20)
    assert shown(describe_samples(running, [kept(5, 50)]))[-1][-1] == 0.0


def test_before_the_start_there_are_none() -> None:
    draft = standing({}, state=CampaignState.DRAFT, has_started=False)
    assert describe_samples(draft, []) == []


@pytest.mark.parametrize("number", [397, 398, 399, 1_000])
def test_there_are_never_too_many(number: int) -> None:
    running = standing({SENT: 50}, seconds=number + 1)
    samples = describe_samples(running, [kept(n, 0) for n in range(1, number + 1)])
    assert len(samples) <= MOST_SAMPLES
    assert [one[0] for one in shown(samples)][:: len(samples) - 1] == [0, number + 1]
