"""Suppressions for shards that live on another server (protocol rule 18)."""

from collections.abc import Iterator

import pytest

from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_common.store.suppressions.suppressions import suppressions_of
from campaign_providers.contract import SendResult, SendStatus
from tests.integration.sender.scene import INSERT_CAMPAIGN, MAP, SHARDS, FaultyDatabase, Scene
from tests.integration.sender.test_forwarding import migrated
from tests.integration.sender.test_suppressions import PHONE, suppress
from tests.unit.sender.messages import CAMPAIGN, EPOCH


@pytest.fixture
def main(database: str) -> Iterator[FaultyDatabase]:
    yield from migrated(database)


@pytest.fixture
def own(other_database: str) -> Iterator[FaultyDatabase]:
    yield from migrated(other_database)


@pytest.fixture
def scene(main: FaultyDatabase, own: FaultyDatabase) -> Scene:
    """All shards live on `own`; messages 1 and 2 are held."""
    with main.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
        insert_first_map(cursor, MAP.topic, TopicDescription(MAP.topic_id, SHARDS))
    return Scene(own, main)


def test_held_messages_follow_the_main_server(scene: Scene) -> None:
    suppress(scene)
    scene.guard.refresh()
    held = scene.buffer.held_for(None)
    assert scene.guard.check_before_send(held) == [SendStatus.SUPPRESSED] * 2


def test_a_sender_lost_between_the_servers_forgets_nobody(scene: Scene) -> None:
    """The suppression is on the main server before the outcome is on the shard's."""
    scene.cycle()
    first, second = scene.provider.submitted
    scene.answer(second)
    scene.buffer.add_results(
        [SendResult(first, SendStatus.PERMANENT, None, "21610", suppress=True)]
    )
    scene.database.faults = ["away"]
    scene.cycle()
    with scene.server.main.reading() as cursor:
        assert [one.scope for one in suppressions_of(cursor, PHONE)] == ["provider:collected"]
    assert scene.recorded() == {}
    scene.cycle()
    assert scene.recorded() == {1: Status.FAILED, 2: Status.SENT}


def test_outcomes_wait_while_the_main_server_is_away(scene: Scene, main: FaultyDatabase) -> None:
    scene.cycle()
    first, second = scene.provider.submitted
    scene.answer(second)
    scene.buffer.add_results(
        [SendResult(first, SendStatus.PERMANENT, None, "21610", suppress=True)]
    )
    main.faults = ["away"]
    scene.cycle()
    assert scene.recorded() == {}
    scene.cycle()
    assert scene.recorded() == {1: Status.FAILED, 2: Status.SENT}
