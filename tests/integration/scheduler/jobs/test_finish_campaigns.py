"""A campaign is finished when every recipient has a final outcome, and not before."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from campaign_common.database import Cursor, Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import Status
from campaign_common.store.campaigns import finishing
from campaign_scheduler.jobs.finish_campaigns import CampaignFinisher
from tests.integration.scheduler.world import CAMPAIGN, Scheduler, World


@pytest.fixture
def scheduler(world: World) -> Scheduler:
    """A scheduler whose one campaign of ten recipients is all fanned out."""
    world.add_list(10)
    world.add_campaign()
    made = world.scheduler()
    made.start_and_fan_out()
    return made


def test_a_complete_campaign_is_finished_with_its_balance(
    world: World, scheduler: Scheduler
) -> None:
    world.count_outcomes(Status.SENT, 7)
    world.count_outcomes(Status.FAILED, 3)
    with capture_logs() as lines:
        scheduler.campaign_finisher.finish_complete()
    assert world.campaign("state", "finished_at IS NOT NULL") == ("finished", 1)
    assert world.rows(
        "SELECT from_state, to_state FROM campaign_events ORDER BY id DESC LIMIT 1"
    ) == [("running", "finished")]
    (line,) = [line for line in lines if line["event"] == "campaign finished"]
    assert (line["campaign"], line["total"], line["sent"], line["failed"]) == (CAMPAIGN, 10, 7, 3)


@pytest.mark.parametrize(
    "last",
    [None, Status.WAITING],
    ids=["one message without outcome", "one message waits for a retry"],
)
def test_an_incomplete_campaign_goes_on(
    world: World, scheduler: Scheduler, last: Status | None
) -> None:
    world.count_outcomes(Status.SENT, 9)
    if last is not None:
        world.count_outcomes(last, 1)
    scheduler.campaign_finisher.finish_complete()
    assert world.campaign("state") == ("running",)


def test_an_open_request_keeps_a_campaign_running(world: World, scheduler: Scheduler) -> None:
    world.count_outcomes(Status.SENT, 10)
    world.change(
        "INSERT INTO shard_commands (shard, campaign_id, kind, arguments, requested_at)"
        " VALUES (0, %s, 'retry', '{}', NOW(6))",
        (CAMPAIGN,),
    )
    scheduler.campaign_finisher.finish_complete()
    assert world.campaign("state") == ("running",)
    world.change("DELETE FROM shard_commands")
    scheduler.campaign_finisher.finish_complete()
    assert world.campaign("state") == ("finished",)


def test_a_campaign_set_back_after_its_sums_is_not_finished(
    world: World, scheduler: Scheduler
) -> None:
    """A campaign set back after its sums were read is not finished."""
    world.count_outcomes(Status.SENT, 10)
    with world.database.reading() as cursor:
        (read_before,) = finishing.fanned_out(cursor, scheduler.owner)
    world.change("UPDATE campaigns SET epoch = epoch + 1")
    with world.database.transaction() as cursor:
        assert not finishing.finish(cursor, read_before)
    assert world.campaign("state") == ("running",)


def test_one_connection_is_enough(world: World, scheduler: Scheduler) -> None:
    world.count_outcomes(Status.SENT, 10)
    alone = Database(replace(world.settings.mysql, active=1))
    CampaignFinisher(Databases((alone,)), scheduler.owner).finish_complete()
    alone.close()
    assert world.campaign("state") == ("finished",)


def test_what_belongs_to_the_end_is_in_its_transaction(world: World, scheduler: Scheduler) -> None:
    seen: list[object] = []

    def look(cursor: Cursor, ids: Sequence[CampaignId]) -> None:
        cursor.execute("SELECT id, state FROM campaigns WHERE id IN %s", (tuple(ids),))
        seen.append(cursor.fetchall())

    finisher = CampaignFinisher(Databases((world.database,)), scheduler.owner, also=look)
    finisher.finish_complete()
    world.count_outcomes(Status.SENT, 10)
    finisher.finish_complete()
    finisher.finish_complete()
    assert seen == [((CAMPAIGN, "finished"),)]
