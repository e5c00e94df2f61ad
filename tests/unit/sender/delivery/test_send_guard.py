import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pytest

from campaign_common.database import Database, Proof, ShardServer
from campaign_common.domain.campaign import CampaignState
from campaign_common.errors import DatabaseDemoted, DatabaseUnavailable
from campaign_common.store.core.campaigns import CampaignVersion
from campaign_common.store.messages.send_view import FRESH_FOR
from campaign_providers.contract import SendStatus
from campaign_sender.delivery.send_guard import REACHABLE_FOR, SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.message import Message
from tests.unit.sender.messages import CAMPAIGN, EPOCH, message, owned_shard, version

OWNED = owned_shard()
NULLS = (None,) * 7
PACE = (None, 5)


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
            *(None, None),
        )
        self.claim: tuple[Any, ...] = (0, OWNED.epoch, OWNED.owner_token)
        self.map_version = 1
        self.requested = [3]
        self.erased: list[int] = []
        self.read_only = ""
        self.away = False
        self.takes: Callable[[], None] = lambda: None
        self.statements = 0

    @contextmanager
    def reading(self, proof: Proof) -> Iterator["DatabaseOf"]:
        assert proof is Proof.IN_THE_BLOCK
        if self.away:
            raise DatabaseUnavailable("gone")
        yield self

    def execute(self, _: str, __: object) -> None:
        self.statements += 1
        self.takes()

    def fetchall(self) -> list[tuple[Any, ...]]:
        campaign_id, state, epoch, *others = self.campaign
        *columns, expires_in, traceparent = others
        erased = [
            ("erased", CAMPAIGN, None, None, json.dumps({"seqs": [seq]}), *NULLS)
            for seq in self.erased
        ]
        return [
            ("server", None, None, None, self.read_only, *NULLS),
            (
                "campaign",
                campaign_id,
                epoch,
                None,
                state,
                *columns,
                expires_in,
                traceparent,
                *PACE,
                None,
            ),
            ("owner", *self.claim, "sender-1", *NULLS),
            ("map", self.map_version, None, None, None, *NULLS),
            *(("requested", shard, None, None, None, *NULLS) for shard in self.requested),
            *erased,
        ]


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.database = DatabaseOf()
        self.buffer = InFlightBuffer(in_flight=10, batch_size=10)
        self.buffer.add_shard(OWNED)
        self.hold()
        database = cast("Database", self.database)
        self.guard = SendGuard(
            ShardServer(database, database), "Sync-Msg-T", self.buffer, clock=self.clock
        )
        self.guard.refresh()

    def hold(self, **changes: int) -> Message:
        held = message(**changes)
        self.buffer.admit([held], [], [])
        return held

    def ask(self, **changes: int) -> SendStatus | None:
        return self.look_at(self.hold(**changes))

    def look_at(self, one: Message) -> SendStatus | None:
        (answer,) = self.guard.check_before_send([one])
        return answer

    def learn(self, versions: Mapping[int, CampaignVersion]) -> None:
        self.guard.learn(versions, self.clock.now)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_send_is_allowed_after_a_fresh_read(scene: Scene) -> None:
    scene.clock.now += FRESH_FOR
    assert scene.ask() is None


def test_a_refresh_finds_shards_with_commands(scene: Scene) -> None:
    assert scene.guard.shards_with_commands == {3}
    scene.database.requested = []
    scene.guard.refresh()
    assert scene.guard.shards_with_commands == frozenset()


def test_nothing_is_sent_on_an_old_view(scene: Scene) -> None:
    scene.clock.now += FRESH_FOR + 0.001
    assert scene.ask() is SendStatus.DEFERRED


def test_a_failed_refresh_keeps_nothing_fresh(scene: Scene) -> None:
    scene.database.away = True
    scene.clock.now += FRESH_FOR + 0.001
    with pytest.raises(DatabaseUnavailable):
        scene.guard.refresh()
    assert scene.ask() is SendStatus.DEFERRED


def test_a_server_that_is_read_only_makes_nothing_fresh(scene: Scene) -> None:
    """A view that is read from a demoted server proves nothing, however new it looks."""
    scene.database.read_only = "read_only"
    scene.clock.now += FRESH_FOR + 0.001
    with pytest.raises(DatabaseDemoted, match="read_only"):
        scene.guard.refresh()
    assert scene.ask() is SendStatus.DEFERRED


def test_a_view_of_one_server_is_one_statement(scene: Scene) -> None:
    before = scene.database.statements
    scene.guard.refresh()
    assert scene.database.statements == before + 1


def test_what_is_to_be_erased_is_not_sent(scene: Scene) -> None:
    """Erasure uses the same view as pause and cancel, not on the order being carried out."""
    erased, other = scene.hold(seq=1), scene.hold(seq=2)
    scene.database.erased = [1]
    scene.guard.refresh()
    assert scene.guard.check_before_send([erased, other]) == [SendStatus.STALE, None]


@pytest.mark.parametrize(("seconds", "too_slow"), [(FRESH_FOR - 0.01, False), (FRESH_FOR, True)])
def test_slow_reads_are_logged(scene: Scene, seconds: float, *, too_slow: bool) -> None:
    """A look that takes as long as its view is good for is named after some seconds of them."""

    def take() -> None:
        scene.clock.now += seconds

    scene.database.takes = take
    assert not scene.guard.is_too_slow
    while scene.clock.now <= 100.0 + REACHABLE_FOR + FRESH_FOR:
        scene.guard.refresh()
    assert scene.guard.is_too_slow is too_slow
    scene.database.takes = lambda: None
    scene.guard.refresh()
    assert not scene.guard.is_too_slow


def test_what_admission_reads_does_not_make_claims_look_fresh(scene: Scene) -> None:
    scene.clock.now += FRESH_FOR + 0.001
    scene.learn({CAMPAIGN: version()})
    assert scene.ask() is SendStatus.DEFERRED


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.CANCELLED])
def test_a_campaign_that_stopped_running_is_not_sent(scene: Scene, state: CampaignState) -> None:
    scene.database.campaign = (
        CAMPAIGN,
        state.value,
        EPOCH + 1,
        "at_least_once",
        "p",
        None,
        None,
    )
    scene.guard.refresh()
    assert scene.ask() is SendStatus.STALE


def test_a_record_of_an_earlier_epoch_is_not_sent(scene: Scene) -> None:
    assert scene.ask(campaign_epoch=EPOCH - 1) is SendStatus.STALE


def test_a_shard_under_another_owner_is_not_sent(scene: Scene) -> None:
    scene.database.claim = (0, OWNED.epoch + 1, b"another owner's.")
    scene.guard.refresh()
    assert scene.guard.lost_shards == {0}
    assert scene.ask() is SendStatus.STALE


def test_a_new_partition_map_stops_records_of_the_old_one(scene: Scene) -> None:
    scene.database.map_version = 2
    scene.guard.refresh()
    assert scene.ask() is SendStatus.STALE


def test_expiry_is_checked_at_the_moment_of_the_send(scene: Scene) -> None:
    scene.database.campaign = (CAMPAIGN, "running", EPOCH, "at_least_once", "p", 0.5, None)
    scene.guard.refresh()
    assert scene.ask() is None
    scene.clock.now += 0.5
    assert scene.ask() is SendStatus.EXPIRED


def test_each_message_of_a_batch_is_checked(scene: Scene) -> None:
    first, erased, older, last = (
        scene.hold(seq=1),
        scene.hold(seq=2),
        scene.hold(seq=3, campaign_epoch=0),
        scene.hold(seq=4),
    )
    erased.withdrawn = True
    looked_at = scene.guard.check_before_send([first, message(5), erased, older, last])
    assert looked_at == [None, SendStatus.STALE, SendStatus.STALE, SendStatus.STALE, None]


def test_a_message_that_is_no_longer_held_is_not_sent(scene: Scene) -> None:
    queued = scene.hold()
    scene.buffer.drop_shard(OWNED)
    assert scene.look_at(queued) is SendStatus.STALE


def test_a_released_shard_gives_queued_messages_back(scene: Scene) -> None:
    """A shard that is being released gives back what is queued."""
    queued = scene.hold()
    scene.buffer.drain({0}, timeout=0.0)
    scene.buffer.admit([queued], [], [])
    assert scene.look_at(queued) is SendStatus.RELEASED


def test_a_campaign_that_was_not_read_is_not_sent(scene: Scene) -> None:
    stranger = message()
    stranger.record = stranger.record.__class__(
        1, CAMPAIGN + 1, 1, 0, EPOCH, 1, "13961467500", "hi"
    )
    assert scene.look_at(stranger) is SendStatus.DEFERRED
