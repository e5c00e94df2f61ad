from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pytest

from campaign_common.campaign import CampaignState
from campaign_common.database import Database, ShardServer
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.campaigns import CampaignVersion
from campaign_sender.desk import Desk
from campaign_sender.lookout import FRESH_FOR, Lookout
from campaign_sender.message import Message
from campaign_sender.providers.contract import Answer
from tests.unit.sender.messages import CAMPAIGN, EPOCH, message, owned_shard, version

OWNED = owned_shard()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class DatabaseOf:
    """Answers the statements of a look from plain values, or is away."""

    def __init__(self) -> None:
        self.campaign: tuple[Any, ...] = (
            *(CAMPAIGN, "running", EPOCH, "at_least_once", "p"),
            *(None, 0, None),
        )
        self.claim: tuple[Any, ...] = (0, OWNED.epoch, OWNED.owner_token)
        self.map_version = 1
        self.requested = [3]
        self.away = False
        self._answers: list[tuple[Any, ...]] = []

    @contextmanager
    def reading(self) -> Iterator["DatabaseOf"]:
        if self.away:
            raise DatabaseUnavailable("gone")
        yield self

    def execute(self, sql: str, _: object = None) -> None:
        if "FROM campaigns" in sql:
            self._answers = [self.campaign]
        elif "FROM shard_claims" in sql:
            self._answers = [self.claim]
        elif "FROM shard_requests" in sql:
            self._answers = [(shard,) for shard in self.requested]
        else:
            self._answers = [("Sync-Msg-T", "topic-id", self.map_version, 8, "active", "{}")]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._answers

    def fetchone(self) -> tuple[Any, ...]:
        return self._answers[0]


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.database = DatabaseOf()
        self.desk = Desk(in_flight=10, batch_size=10)
        self.desk.add_shard(OWNED)
        self.hold()
        database = cast("Database", self.database)
        self.lookout = Lookout(
            ShardServer(database, database), "Sync-Msg-T", self.desk, clock=self.clock
        )
        self.lookout.look()

    def hold(self, **changes: int) -> Message:
        held = message(**changes)
        self.desk.admit([held], [], [])
        return held

    def ask(self, **changes: int) -> Answer | None:
        return self.look_at(self.hold(**changes))

    def look_at(self, one: Message) -> Answer | None:
        (answer,) = self.lookout.last_look([one])
        return answer

    def learn(self, versions: Mapping[int, CampaignVersion]) -> None:
        self.lookout.learn(versions, self.clock.now)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_call_may_start_after_a_fresh_look(scene: Scene) -> None:
    scene.clock.now += FRESH_FOR
    assert scene.ask() is None


def test_a_look_tells_whose_owner_has_something_to_carry_out(scene: Scene) -> None:
    assert scene.lookout.requested_shards == {3}
    scene.database.requested = []
    scene.lookout.look()
    assert scene.lookout.requested_shards == frozenset()


def test_no_call_starts_on_old_knowledge(scene: Scene) -> None:
    scene.clock.now += FRESH_FOR + 0.001
    assert scene.ask() is Answer.NOT_NOW


def test_a_look_that_fails_keeps_nothing_fresh(scene: Scene) -> None:
    scene.database.away = True
    scene.clock.now += FRESH_FOR + 0.001
    with pytest.raises(DatabaseUnavailable):
        scene.lookout.look()
    assert scene.ask() is Answer.NOT_NOW


def test_what_admission_reads_does_not_make_claims_look_fresh(scene: Scene) -> None:
    scene.clock.now += FRESH_FOR + 0.001
    scene.learn({CAMPAIGN: version()})
    assert scene.ask() is Answer.NOT_NOW


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.CANCELLED])
def test_a_campaign_that_stopped_running_is_called_for_no_more(
    scene: Scene, state: CampaignState
) -> None:
    scene.database.campaign = (
        CAMPAIGN,
        state.value,
        EPOCH + 1,
        "at_least_once",
        "p",
        None,
        0,
        None,
    )
    scene.lookout.look()
    assert scene.ask() is Answer.VOID


def test_a_record_of_an_earlier_epoch_is_not_called(scene: Scene) -> None:
    assert scene.ask(campaign_epoch=EPOCH - 1) is Answer.VOID


def test_a_shard_under_another_owner_is_called_for_no_more(scene: Scene) -> None:
    scene.database.claim = (0, OWNED.epoch + 1, b"another owner's.")
    scene.lookout.look()
    assert scene.lookout.lost_shards == {0}
    assert scene.ask() is Answer.VOID


def test_a_new_partition_map_stops_records_of_the_old_one(scene: Scene) -> None:
    scene.database.map_version = 2
    scene.lookout.look()
    assert scene.ask() is Answer.VOID


def test_expiry_is_checked_at_the_moment_of_the_call(scene: Scene) -> None:
    scene.database.campaign = (CAMPAIGN, "running", EPOCH, "at_least_once", "p", 0.5, 0, None)
    scene.lookout.look()
    assert scene.ask() is None
    scene.clock.now += 0.5
    assert scene.ask() is Answer.EXPIRED


def test_each_message_of_a_batch_is_looked_at_by_itself(scene: Scene) -> None:
    first, erased, older, last = (
        scene.hold(seq=1),
        scene.hold(seq=2),
        scene.hold(seq=3, campaign_epoch=0),
        scene.hold(seq=4),
    )
    erased.withdrawn = True
    looked_at = scene.lookout.last_look([first, message(5), erased, older, last])
    assert looked_at == [None, Answer.VOID, Answer.VOID, Answer.VOID, None]


def test_a_message_that_is_no_longer_held_is_not_called(scene: Scene) -> None:
    queued = scene.hold()
    scene.desk.drop_shard(OWNED)
    assert scene.look_at(queued) is Answer.VOID


def test_a_shard_that_is_being_released_gives_back_what_is_queued(scene: Scene) -> None:
    queued = scene.hold()
    scene.desk.drain({0}, timeout=0.0)
    scene.desk.admit([queued], [], [])
    assert scene.look_at(queued) is Answer.GIVEN_BACK


def test_a_campaign_nobody_has_read_is_not_called(scene: Scene) -> None:
    stranger = message()
    stranger.record = stranger.record.__class__(
        1, CAMPAIGN + 1, 1, 0, EPOCH, 1, "13961467500", "hi"
    )
    assert scene.look_at(stranger) is Answer.NOT_NOW
