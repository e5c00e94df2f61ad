from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.campaigns.progress import describe, measure
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.content.campaign_content import CampaignContent, TextContent
from campaign_common.domain.message import FINAL, Status
from campaign_common.store.campaigns.progress import (
    CampaignProgress,
    Movement,
    Sample,
    Standing,
)
from campaign_common.store.core.counters import Counted

HI = CampaignContent(TextContent("hi"), None)

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - as the database gives it

RUNNING = CampaignProgress(
    id=5,
    name="game0",
    state=CampaignState.RUNNING,
    failure_reason=None,
    scheduled_at=NOW - timedelta(seconds=20),
    started_at=NOW - timedelta(seconds=10),
    finished_at=None,
    now=NOW,
    total=1000,
    list_id=7,
    accepted=1000,
    duplicates=2,
    rejected=3,
    delivery="at_least_once",
    provider="http",
    circuit_open_until=None,
    created_at=NOW - timedelta(days=1),
    expires_after=None,
    expires_at=None,
    published_count=600,
    max_rate=None,
    priority=5,
)


def described(
    campaign: CampaignProgress, counted: dict[Status, int], possibly_sent: int
) -> dict[str, Any]:
    return describe(Standing(campaign, Counted(counted, possibly_sent), HI))


def test_running_campaign_tells_rate_and_estimated_finish() -> None:
    found = described(RUNNING, {Status.SENT: 400, Status.FAILED: 100, Status.WAITING: 50}, 0)
    assert found["rate"] == 50.0
    assert found["pending"] == 500
    assert found["estimated_finish"] == (NOW + timedelta(seconds=10)).replace(tzinfo=UTC)
    assert found["started_at"] == (NOW - timedelta(seconds=10)).replace(tzinfo=UTC)
    assert found["list"] == {"id": 7, "accepted": 1000, "duplicates": 2, "rejected": 3}


def test_an_open_breaker_is_shown_with_the_time_of_its_probe() -> None:
    """An open circuit breaker is shown with the time of its next probe."""
    assert described(RUNNING, {}, 0)["provider"] == {"name": "http", "circuit_open_until": None}
    sick = RUNNING._replace(circuit_open_until=NOW + timedelta(seconds=5))
    assert described(sick, {}, 0)["provider"]["circuit_open_until"] == (
        NOW + timedelta(seconds=5)
    ).replace(tzinfo=UTC)


def test_campaign_that_has_not_started_has_its_list_to_do() -> None:
    scheduled = RUNNING._replace(state=CampaignState.SCHEDULED, started_at=None, total=None)
    found = described(scheduled, {}, 0)
    assert (found["total"], found["pending"]) == (1000, 1000)
    assert found["rate"] is found["estimated_finish"] is None


def test_rate_of_a_finished_campaign_stays_what_it_was() -> None:
    finished = RUNNING._replace(
        state=CampaignState.FINISHED, finished_at=NOW, now=NOW + timedelta(days=1)
    )
    assert described(finished, {Status.SENT: 1000}, 0)["rate"] == 100.0
    assert described(finished, {Status.SENT: 1000}, 0)["estimated_finish"] is None


def test_nobody_is_still_to_do_in_a_cancelled_campaign() -> None:
    cancelled = RUNNING._replace(state=CampaignState.CANCELLED)
    found = described(cancelled, {Status.SENT: 400, Status.WAITING: 30, Status.CANCELLED: 5}, 0)
    assert found["pending"] == 0
    assert found["counts"]["cancelled"] == 600
    assert found["counts"]["waiting"] == 0


@pytest.mark.parametrize("seconds", [0, -1])
def test_campaign_that_started_just_now_has_no_rate(seconds: int) -> None:
    just_now = RUNNING._replace(started_at=NOW - timedelta(seconds=seconds))
    assert described(just_now, {Status.SENT: 1}, 0)["rate"] is None


@given(
    st.sampled_from(CampaignState),
    st.dictionaries(
        st.sampled_from([s for s in Status if s is not Status.NOT_STARTED]), st.integers(0, 100)
    ),
)
def test_the_balance_always_holds(state: CampaignState, counted: dict[Status, int]) -> None:
    found = described(RUNNING._replace(state=state), counted, 0)
    finals = sum(found["counts"][status.word] for status in FINAL)
    assert found["total"] == finals + found["pending"] == 1000
    assert found["counts"]["waiting"] <= found["pending"]


MOVING = Movement(
    state=CampaignState.RUNNING,
    started_at=NOW - timedelta(seconds=10),
    now=NOW,
    total=1000,
    published_count=600,
    sample=Sample(ended=100, seconds_ago=50.0),
    counted=Counted({Status.SENT: 400, Status.FAILED: 100, Status.WAITING: 50}, possibly_sent=0),
)


def test_the_rate_is_that_of_the_last_minute() -> None:
    """The present rate is the one since the oldest sample of the last minute."""
    found = measure(MOVING)
    assert found["rate"] == 8.0
    assert found["estimated_finish"] == (NOW + timedelta(seconds=62.5)).replace(tzinfo=UTC)
    assert measure(MOVING._replace(sample=None))["rate"] == 50.0
    assert measure(MOVING._replace(state=CampaignState.PAUSED))["rate"] is None


def test_what_is_retried_makes_no_negative_rate() -> None:
    found = measure(MOVING._replace(sample=Sample(ended=900, seconds_ago=50.0)))
    assert (found["rate"], found["estimated_finish"]) == (0.0, None)


def test_lag_is_what_is_published_and_has_no_outcome() -> None:
    found = measure(MOVING._replace(counted=MOVING.counted._replace(possibly_sent=3)))
    assert (found["lag"], found["possibly_sent"]) == (50, 3)
    assert measure(MOVING._replace(published_count=10))["lag"] == 0


def test_the_balance_says_when_it_does_not_add_up() -> None:
    def balance_of(counted: dict[Status, int]) -> dict[str, Any]:
        balance: dict[str, Any] = measure(MOVING._replace(counted=Counted(counted, 0)))["balance"]
        return balance

    balance = {"recipients": 1000, "final": 500, "pending": 500, "consistent": True}
    assert measure(MOVING)["balance"] == balance
    too_many = balance_of({Status.SENT: 1001})
    assert (too_many["pending"], too_many["consistent"]) == (-1, False)
    assert balance_of({Status.SENT: 999, Status.WAITING: 2})["consistent"] is False
