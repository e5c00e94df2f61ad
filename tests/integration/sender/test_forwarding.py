"""Orders of people to shards that live on another server than the campaigns (protocol rule 10)."""

from collections.abc import Iterator
from functools import partial

import pytest

from campaign_common.database import Database
from campaign_common.domain.campaign import Transition
from campaign_common.domain.message import Status
from campaign_common.domain.partition_map import TopicDescription
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.campaigns.transitions import change_state
from campaign_common.store.shards.command_copies import settled_notes
from campaign_common.store.shards.partition_map import insert_first_map
from campaign_common.store.shards.shard_commands import request_erasure
from campaign_providers.contract import SendResult, SendStatus
from campaign_sender.ownership.takeover import take_over
from tests.integration.sender.scene import (
    INSERT_CAMPAIGN,
    MAP,
    SHARDS,
    FaultyDatabase,
    Scene,
)
from tests.support.servers.schemas import make_current
from tests.unit.sender.messages import CAMPAIGN, EPOCH, message

cancel = partial(change_state, campaign_id=CAMPAIGN, transition=Transition.CANCEL, actor="a person")


@pytest.fixture
def main(database: str) -> Iterator[FaultyDatabase]:
    yield from migrated(database)


@pytest.fixture
def own(other_database: str) -> Iterator[FaultyDatabase]:
    yield from migrated(other_database)


def migrated(dsn: str) -> Iterator[FaultyDatabase]:
    faulty = FaultyDatabase(MysqlSettings(dsn=parse_dsn(dsn)))
    faulty.faults = []
    make_current(faulty, SHARDS)
    yield faulty
    faulty.close()


@pytest.fixture
def scene(main: FaultyDatabase, own: FaultyDatabase) -> Scene:
    """All shards live on `own`; message 1 is refused for now, and waits for another try."""
    with main.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
    scene = Scene(own, main)
    scene.cycle()
    scene.buffer.add_results(
        [SendResult(m, SendStatus.RETRYABLE) for m in scene.provider.submitted]
    )
    scene.cycle()
    assert set(scene.recorded().values()) == {Status.WAITING}
    return scene


def orders(scene: Scene) -> tuple[int, int]:
    """Numbers of open shard commands: on the main server, and on that of the shards."""
    return scene.commands_on(scene.server.main), scene.commands_on(scene.server.own)


def notes_without_order(scene: Scene) -> int:
    with scene.server.reading() as cursors:
        return sum(len(settled_notes(cursors, shard)) for shard in range(SHARDS))


def one_turn(scene: Scene, shard: int = 0) -> None:
    scene.commands.add([shard])
    scene.cycle()


def test_a_command_is_copied_to_its_shard_and_executed_there(scene: Scene) -> None:
    scene.change(cancel)
    assert orders(scene) == (SHARDS, 0)
    scene.guard.refresh()
    assert scene.guard.shards_with_commands == set(range(SHARDS))
    one_turn(scene)
    assert orders(scene) == (SHARDS - 1, 1)
    scene.execute_commands(cycles=3)
    assert orders(scene) == (0, 0)
    assert set(scene.recorded().values()) == {Status.CANCELLED}
    assert scene.rows("seq", "message_retries") == []
    assert scene.counts() == {Status.CANCELLED: 2}


def test_a_command_that_could_not_be_deleted_is_not_copied_again(
    scene: Scene, main: FaultyDatabase
) -> None:
    scene.change(cancel)
    main.faults = ["away"]
    one_turn(scene)
    assert orders(scene) == (SHARDS, 1)
    one_turn(scene)
    assert orders(scene) == (SHARDS - 1, 1)


def test_a_copy_whose_commit_was_not_answered_is_not_made_again(
    scene: Scene, own: FaultyDatabase
) -> None:
    scene.change(cancel)
    own.faults = ["answer lost, committed"]
    one_turn(scene)
    assert orders(scene) == (SHARDS, 1)
    scene.cycle()  # learns that it was committed
    one_turn(scene)
    assert orders(scene) == (SHARDS - 1, 1)
    scene.execute_commands(cycles=3)
    assert orders(scene) == (0, 0)


def test_a_former_owner_copies_no_commands(scene: Scene) -> None:
    with Database.transaction(scene.database) as cursor, scene.server.beside(cursor) as cursors:
        take_over(cursors, 0, MAP, owner_token=b"another's token!", owner_name="u")
    scene.change(cancel)
    one_turn(scene)
    assert orders(scene) == (SHARDS, 0)
    assert scene.recorder.take_fenced() == {0}


def test_the_next_command_removes_notes_of_earlier_ones(scene: Scene) -> None:
    scene.change(lambda cursor: request_erasure(cursor, CAMPAIGN, {0: [7]}))
    one_turn(scene)
    assert notes_without_order(scene) == 1
    scene.change(lambda cursor: request_erasure(cursor, CAMPAIGN, {0: [8]}))
    one_turn(scene)
    assert notes_without_order(scene) == 1


def test_nothing_is_sent_before_an_erasure_is_copied(scene: Scene) -> None:
    scene.change(lambda c: insert_first_map(c, MAP.topic, TopicDescription(MAP.topic_id, SHARDS)))
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [3]}))
    admitter = scene.admitter()
    erased, other = message(3), message(4)
    owned = scene.buffer.owned(0)
    assert owned is not None
    for fetched in (erased, other):
        fetched.epoch = owned.epoch
    admitter.enqueue([erased, other], {0: owned})
    admitter.admit()
    assert (scene.buffer.holds(erased), scene.buffer.holds(other)) == (False, True)


def test_a_held_message_is_not_sent_once_its_erasure_is_copied(scene: Scene) -> None:
    held = message(5)
    scene.fetch(held)
    scene.change(lambda c: request_erasure(c, CAMPAIGN, {0: [5]}))
    one_turn(scene)
    assert held.withdrawn
