"""What Kafka is told of a partition, and when its shards are taken over again."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import cast

import pytest
from confluent_kafka import Consumer, TopicPartition

from campaign_common.database import ShardServer
from campaign_common.database.by_server import ByServer
from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.errors import DatabaseUnavailable
from campaign_common.store.shards.claims import Place
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.owned_shard import OwnedShard
from campaign_sender.ownership.blocked_partitions import BlockedPartitions
from campaign_sender.ownership.shard_claims import ShardClaims
from campaign_sender.ownership.shard_groups import ShardGroup, ShardGroups
from campaign_sender.ownership.shard_ownership import ShardOwnership
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands

PARTITION = 3


class Committing:
    def __init__(self) -> None:
        self.commits: list[tuple[int, int]] = []
        self.paused: list[int] = []

    def pause(self, places: list[TopicPartition]) -> None:
        self.paused += [place.partition for place in places]

    def commit(self, offsets: list[TopicPartition], **_: object) -> None:
        self.commits += [(place.partition, place.offset) for place in offsets]


class Scene:
    """A sender that has taken over a partition with two shards."""

    def __init__(self) -> None:
        self.consumer = Committing()
        self.buffer = InFlightBuffer(in_flight=10, batch_size=10)
        self.first, self.second = self.owned(3, recorded=50), self.owned(11, recorded=40)
        group = ShardGroup(
            cast("ShardServer", None),
            self.buffer,
            cast("SendGuard", self),
            cast("BatchAdmitter", None),
            cast("Recorder", self),
            cast("ShardCommands", None),
        )
        self.ownership = ShardOwnership(
            cast("Consumer", self.consumer),
            ShardGroups(ByServer((group,))),
            topic="Sync-Msg-T",
            owner_name="test",
            drain_timeout=1.0,
            blocked=BlockedPartitions(monotonic, 60),
        )
        self.ownership._active[PARTITION] = 2
        self.ownership._map = PartitionMap("Sync-Msg-T", "topic-id", 1, 8, MapState.ACTIVE)
        self.map_version = 1
        self.existing_shards = frozenset(range(16))
        self.lost_shards: set[int] = set()
        self.fenced: set[int] = set()

    @contextmanager
    def between_transactions(self) -> Iterator[None]:
        yield

    def take_fenced(self) -> set[int]:
        return self.fenced

    def owned(self, shard: int, *, recorded: int) -> OwnedShard:
        owned = OwnedShard(
            shard,
            epoch=1,
            owner_token=b"0123456789abcdef",
            transaction_number=1,
            place=Place("topic-id", PARTITION, 1),
        )
        owned.start_at(recorded)
        self.buffer.add_shard(owned)
        return owned

    def told(self) -> list[tuple[int, int]]:
        self.consumer.commits.clear()
        self.ownership.commit_offsets(wait=True)
        return self.consumer.commits


def test_kafka_is_told_the_lowest_recorded_offset_of_a_partition() -> None:
    assert Scene().told() == [(PARTITION, 40)]


def test_kafka_is_told_nothing_while_a_shard_belongs_to_somebody_else() -> None:
    scene = Scene()
    scene.buffer.drop_shard(scene.second)
    assert scene.told() == []


def test_the_end_of_a_doubt_stays_in_kafka_until_everything_below_is_recorded() -> None:
    scene = Scene()
    scene.first.possibly_sent_below = scene.second.possibly_sent_below = 45
    assert scene.told() == []
    scene.second.recorded_offset = 45
    assert scene.told() == [(PARTITION, 45)]


def test_a_partition_is_taken_again_when_the_number_of_shards_was_raised() -> None:
    scene = Scene()
    scene.ownership._retake_for_new_shards()
    assert (scene.ownership._queue.due(), scene.consumer.paused) == ([], [])
    scene.existing_shards = frozenset(range(24))
    scene.ownership._retake_for_new_shards()
    assert (scene.ownership._queue.due(), scene.consumer.paused) == ([PARTITION], [PARTITION])
    assert scene.told() == []


def test_shards_of_partitions_that_are_not_taken_are_left_to_others() -> None:
    scene = Scene()
    scene.ownership._active.clear()
    scene.existing_shards = frozenset(range(24))
    scene.ownership._retake_for_new_shards()
    assert scene.ownership._queue.due() == []


def test_what_was_fetched_before_a_take_over_that_failed_half_way_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(_: ShardClaims) -> None:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(ShardClaims, "read_map", away)
    scene = Scene()
    scene.ownership._queue.add([PARTITION])
    assert scene.ownership.run_due_takeovers() == {PARTITION}
