from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.progress import describe
from campaign_common.campaign import CampaignState
from campaign_common.message import FINAL, Status
from campaign_common.store.campaign_progress import CampaignProgress

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
    left_alone_until=None,
)


def test_running_campaign_tells_rate_and_estimated_finish() -> None:
    described = describe(RUNNING, {Status.SENT: 400, Status.FAILED: 100, Status.WAITING: 50}, 0)
    assert described["rate"] == 50.0
    assert described["to_do"] == 500
    assert described["estimated_finish"] == (NOW + timedelta(seconds=10)).replace(tzinfo=UTC)
    assert described["started_at"] == (NOW - timedelta(seconds=10)).replace(tzinfo=UTC)
    assert described["list"] == {"id": 7, "accepted": 1000, "duplicates": 2, "rejected": 3}


def test_a_provider_that_is_left_alone_is_shown_with_the_time_it_is_tried_again() -> None:
    assert describe(RUNNING, {}, 0)["provider"] == {"name": "http", "left_alone_until": None}
    sick = RUNNING._replace(left_alone_until=NOW + timedelta(seconds=5))
    assert describe(sick, {}, 0)["provider"]["left_alone_until"] == "2026-01-02T03:04:10.678Z"


def test_campaign_that_has_not_started_has_its_list_to_do() -> None:
    scheduled = RUNNING._replace(state=CampaignState.SCHEDULED, started_at=None, total=None)
    described = describe(scheduled, {}, 0)
    assert (described["total"], described["to_do"]) == (1000, 1000)
    assert described["rate"] is described["estimated_finish"] is None


def test_rate_of_a_finished_campaign_stays_what_it_was() -> None:
    finished = RUNNING._replace(
        state=CampaignState.FINISHED, finished_at=NOW, now=NOW + timedelta(days=1)
    )
    assert describe(finished, {Status.SENT: 1000}, 0)["rate"] == 100.0
    assert describe(finished, {Status.SENT: 1000}, 0)["estimated_finish"] is None


def test_nobody_is_still_to_do_in_a_cancelled_campaign() -> None:
    cancelled = RUNNING._replace(state=CampaignState.CANCELLED)
    described = describe(cancelled, {Status.SENT: 400, Status.WAITING: 30, Status.CANCELLED: 5}, 0)
    assert described["to_do"] == 0
    assert described["counts"]["cancelled"] == 600
    assert described["counts"]["waiting"] == 0


@pytest.mark.parametrize("seconds", [0, -1])
def test_campaign_that_started_just_now_has_no_rate(seconds: int) -> None:
    just_now = RUNNING._replace(started_at=NOW - timedelta(seconds=seconds))
    assert describe(just_now, {Status.SENT: 1}, 0)["rate"] is None


@given(
    st.sampled_from(CampaignState),
    st.dictionaries(
        st.sampled_from([s for s in Status if s is not Status.NOT_STARTED]), st.integers(0, 100)
    ),
)
def test_the_balance_always_holds(state: CampaignState, counted: dict[Status, int]) -> None:
    described = describe(RUNNING._replace(state=state), counted, 0)
    finals = sum(described["counts"][status.word] for status in FINAL)
    assert described["total"] == finals + described["to_do"] == 1000
    assert described["counts"]["waiting"] <= described["to_do"]
