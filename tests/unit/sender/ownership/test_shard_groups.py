"""Partitions of shards on two servers: what is paused, and what is taken over."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition

from campaign_common.database import Database, Proof, ShardServer
from campaign_common.database.by_server import ByServer
from campaign_common.domain.partition_map import MapState, PartitionMap
from campaign_common.errors import DatabaseUnavailable, LeaseLost
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

PARTITIONS = 3
MAP = PartitionMap("topic", "topic-id", 1, PARTITIONS, MapState.ACTIVE)
HOLDERS = {1: 1, 2: 1}
"""Shards 0, 3 and 5 live on the main server: partition 2 carries shards of both."""
SHARDS = (0, 1, 2, 3, 5)


class Consuming:
    def __init__(self) -> None:
        self.paused: set[int] = set()

    def pause(self, places: list[TopicPartition]) -> None:
        self.paused |= {place.partition for place in places}

    def resume(self, places: list[TopicPartition]) -> None:
        self.paused -= {place.partition for place in places}


class Server:
    """A database with claim rows and placements, and the guard that has seen it."""

    def __init__(self, name: str, claims: tuple[int, ...]) -> None:
        self.name = name
        self.claims = claims
        self.placements: dict[int, str] = {}
        self.reachable = True
        self.existing_shards = frozenset(claims)
        self._rows: list[tuple[Any, ...]] = []

    @contextmanager
    def reading(self, proof: Proof) -> Iterator["Server"]:
        assert proof is Proof.NOW
        yield self

    def execute(self, sql: str) -> None:
        if "shard_placements" in sql:
            self._rows = list(self.placements.items())
        else:
            self._rows = [(n, 4, b"", 9, b"", "topic-id", n, 1, 50 + n) for n in self.claims]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class Scene:
    """A sender that has taken everything over."""

    def __init__(self) -> None:
        self.main = Server("first:3306/camp", SHARDS)  # the rows of 1 and 2 were left behind
        self.second = Server("second:3306/camp", (1, 2))
        self.groups = ShardGroups(
            ByServer((self.group(self.main), self.group(self.second)), HOLDERS)
        )
        self.consumer = Consuming()
        self.ownership = ShardOwnership(
            cast("GroupMember", self.consumer),
            self.groups,
            topic="topic",
            owner_name="test",
            drain_timeout=1.0,
            blocked=BlockedPartitions(monotonic, 60),
        )
        for shard in SHARDS:
            place = Place("topic-id", MAP.partition(shard), 1)
            owned = OwnedShard(
                shard, epoch=1, owner_token=b"token", transaction_number=1, place=place
            )
            self.groups.of_shard(shard).buffer.add_shard(owned)
        self.claims = ShardClaims(self.groups, "topic", "test")
        self.ownership._active.update(dict.fromkeys(range(PARTITIONS), 1))

    def group(self, server: Server) -> ShardGroup:
        own = cast("Database", server)
        return ShardGroup(
            ShardServer(own, cast("Database", self.main)),
            InFlightBuffer(in_flight=10, batch_size=10),
            cast("SendGuard", server),
            cast("BatchAdmitter", None),
            cast("Recorder", None),
            cast("ShardCommands", None),
        )


@pytest.mark.parametrize(("index", "paused"), [(0, {0, 2}), (1, {1, 2})])
def test_a_shut_server_pauses_every_partition_with_its_shards(index: int, paused: set[int]) -> None:
    """A shut server pauses its own partitions and those it shares."""
    scene = Scene()
    scene.ownership.pause_groups([scene.groups.all[index]])
    assert scene.consumer.paused == scene.ownership.paused_partitions == paused
    scene.ownership.pause_groups(scene.groups.all)
    assert scene.consumer.paused == {0, 1, 2}
    scene.ownership.pause_groups([scene.groups.all[1 - index]])
    assert scene.consumer.paused == {0, 1, 2} - (paused - {2})
    scene.ownership.pause_groups([])
    assert scene.consumer.paused == set()


def test_claims_are_read_where_the_shards_live() -> None:
    scene = Scene()
    claims = scene.claims.of_partition(MAP, 2)
    assert {shard: row.recorded_offset for shard, row in claims.items()} == {2: 52, 5: 55}
    scene.second.claims = (2,)
    assert scene.claims.of_partition(MAP, 1) == {}


def test_a_partition_waits_for_the_servers_of_its_shards() -> None:
    """A partition is not taken over while a server of its shards is unreachable."""
    scene = Scene()
    scene.second.reachable = False
    assert list(scene.claims.of_partition(MAP, 0)) == [0, 3]
    for partition in (1, 2):
        with pytest.raises(DatabaseUnavailable, match="second:3306/camp has not responded"):
            scene.claims.of_partition(MAP, partition)


@pytest.mark.parametrize(("shard", "home"), [(0, "second:3306/camp"), (1, None), (2, "third:1/d")])
def test_a_shard_that_was_moved_meanwhile_is_not_taken_over(shard: int, home: str | None) -> None:
    scene = Scene()
    scene.main.placements = {1: scene.second.name, 2: scene.second.name}
    scene.main.placements.pop(shard, None)
    if home:
        scene.main.placements[shard] = home
    with pytest.raises(LeaseLost, match=f"shard {shard} lives on"):
        scene.claims.take_over(shard, MAP)


def test_only_what_lives_there_counts_as_present() -> None:
    scene = Scene()
    scene.second.existing_shards = frozenset({1, 2, 3})
    assert scene.groups.existing_shards == set(SHARDS)
    scene.second.existing_shards = frozenset({1})
    assert scene.groups.existing_shards == set(SHARDS) - {2}
