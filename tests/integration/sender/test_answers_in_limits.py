"""Answers to keywords beside a campaign, within the rate of their provider, by its own log."""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from campaign_common.domain.content.campaign_content import Rendered
from campaign_common.domain.message import Status
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.store.messages.single_messages import (
    NO_CAMPAIGN,
    NewSingleMessage,
    insert_single_message,
)
from tests.integration.sender.world import SHARDS, World
from tests.support.providers.recordings import recording_provider
from tests.support.waiting import wait_until

RATE = 10
RECIPIENTS = 40
ANSWERS = 30

ENDED = "SELECT COUNT(*) FROM trial_messages WHERE status = %s"


def queue_answers(world: World) -> None:
    for n in range(ANSWERS):
        phone = str(13800000000 + n)
        answer = NewSingleMessage(
            NO_CAMPAIGN, "gateway", phone, Rendered("bye"), None, "me", ReferencePurpose.ANSWER
        )
        world.database.run(partial(insert_single_message, message=answer))


@pytest.mark.parametrize("database_server", ["mariadb"], indirect=True)
def test_answers_and_a_campaign_share_the_rate(tmp_path: Path, world: World) -> None:
    """No second of the database's clock has more than the rate, and answers wait for nobody."""
    with recording_provider(tmp_path / "calls") as provider:
        limits = {"Limits": {"PerSecond": RATE}}
        world.configure(Providers={"gateway": provider.template(Timeout="5s", **limits)})
        world.add_campaign(RECIPIENTS)
        with world.database.transaction() as cursor:
            cursor.execute("UPDATE campaigns SET provider = 'gateway'")
        with world.sender(), world.sender():
            wait_until(lambda: world.shards_by_sender() == [SHARDS // 2] * 2)
            world.publish(range(1, RECIPIENTS + 1))
            queue_answers(world)
            wait_until(lambda: world.rows(ENDED % Status.SENT.value) == ((ANSWERS,),))
            wait_until(lambda: world.counts() == {Status.SENT: RECIPIENTS})
        calls = provider.calls()
    keys = Counter(call.key for call in calls)
    assert set(keys.values()) == {1}
    answers = [call for call in calls if call.key.startswith("answer-")]
    assert (len(answers), len(keys)) == (ANSWERS, ANSWERS + RECIPIENTS)
    starts = sorted((call.started or 0) / 1_000 for call in calls)
    # The clocks of database and gateway are those of one machine.
    assert max(Counter(map(int, starts)).values()) <= RATE
    last_answer = max(call.started or 0 for call in answers) / 1_000
    assert last_answer < starts[-1]
