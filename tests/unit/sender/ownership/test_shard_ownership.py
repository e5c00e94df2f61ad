"""Offsets of a partition in Kafka, and further takeovers of its shards."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import cast

import pytest
from confluent_kafka import TopicPartition

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
from campaign_sender.ownership.group_member import GroupMember
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
            cast("GroupMember", self.consumer),
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


def test_kafka_gets_no_offset_while_a_shard_has_another_owner() -> None:
    """No offset is committed to Kafka while a shard has another owner."""
    scene = Scene()
    scene.buffer.drop_shard(scene.second)
    assert scene.told() == []


def test_the_end_of_a_doubt_stays_until_all_below_is_recorded() -> None:
    """The end of a doubt stays in Kafka until everything below is recorded."""
    scene = Scene()
    scene.first.possibly_sent_below = scene.second.possibly_sent_below = 45
    assert scene.told() == []
    scene.second.recorded_offset = 45
    assert scene.told() == [(PARTITION, 45)]


def test_a_raised_number_of_shards_takes_partitions_again() -> None:
    """A partition is taken again when the number of shards was raised."""
    scene = Scene()
    scene.ownership._retake_for_new_shards()
    assert (scene.ownership._queue.due(), scene.consumer.paused) == ([], [])
    scene.existing_shards = frozenset(range(24))
    scene.ownership._retake_for_new_shards()
    assert (scene.ownership._queue.due(), scene.consumer.paused) == ([PARTITION], [PARTITION])
    assert scene.told() == []


def test_shards_of_other_partitions_are_left_to_others() -> None:
    """Shards of partitions that are not taken are left to others."""
    scene = Scene()
    scene.ownership._active.clear()
    scene.existing_shards = frozenset(range(24))
    scene.ownership._retake_for_new_shards()
    assert scene.ownership._queue.due() == []


def test_a_failed_takeover_forgets_fetched_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records fetched before a takeover that failed half way are forgotten."""

    def away(_: ShardClaims) -> None:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(ShardClaims, "read_map", away)
    scene = Scene()
    scene.ownership._queue.add([PARTITION])
    assert scene.ownership.run_due_takeovers() == {PARTITION}
