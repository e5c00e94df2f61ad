import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from confluent_kafka import KafkaError

from campaign_common.database import Database, ShardServer
from campaign_common.errors import DatabaseUnavailable, KafkaUnavailable
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.consuming.backpressure import Backpressure
from campaign_sender.consuming.consumer_loop import ConsumerLoop, ThreadDied
from campaign_sender.consuming.record_decoder import RecordDecoder
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.shard_groups import ShardGroup
from campaign_sender.ownership.shard_ownership import ShardOwnership
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands

BATCH = 10


@dataclass
class Record:
    of_partition: int
    failure: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.failure

    def partition(self) -> int:
        return self.of_partition


class Group:
    """A consumer and the ownership of its partitions, each of the server at the same place.

    What is not paused delivers for ever.
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = set(range(partitions))
        self.groups: list[ShardGroup] = []
        self.paused_partitions: set[int] = set()
        self.paused: set[int] = set()
        self.delivered = 0
        self.failure: KafkaError | None = None
        self.rejoined = 0

    def rejoin(self) -> None:
        self.rejoined += 1
        self.failure = None

    def consume(self, number: int, _: float) -> list[Record]:
        if self.failure:
            return [Record(0, self.failure)]
        open_partitions = sorted(self.partitions - self.paused)
        if not open_partitions:
            return []
        self.delivered += number
        return [Record(open_partitions[n % len(open_partitions)]) for n in range(number)]

    def run_due_takeovers(self) -> set[int]:
        return set()

    def pause_blocked(self) -> None:
        pass

    def commit_offsets(self) -> None:
        pass

    def pause_groups(self, groups: Iterable[ShardGroup]) -> None:
        places = {self.groups.index(group) for group in groups}
        if self.paused_partitions != places:
            self.paused_partitions = self.paused = places

    def reapply_pauses(self) -> None:
        self.paused = set(self.paused_partitions)


@dataclass
class Server:
    """A server's group: whether it answers and has room, and what was admitted of its shards."""

    main: "Server | None" = None
    name: str = "second:3306/camp"
    room: bool = True
    reachable: bool = True
    away: bool = False
    pending: int = 0
    admitted: int = 0

    def wait_for_capacity(self, _: float) -> bool:
        return self.room

    def admit(self) -> None:
        if self.away:
            raise DatabaseUnavailable("gone")
        self.admitted += 1

    def group(self) -> ShardGroup:
        own = cast("Database", self)
        return ShardGroup(
            ShardServer(own, cast("Database", self.main or self)),
            cast("InFlightBuffer", self),
            cast("SendGuard", self),
            cast("BatchAdmitter", self),
            cast("Recorder", None),
            cast("ShardCommands", None),
        )


@dataclass
class Takings:
    """Records that were taken in, by partition."""

    of: list[int] = field(default_factory=list)
    error: KafkaUnavailable | None = None

    def decode_and_enqueue(self, records: Sequence[Record]) -> None:
        if self.error:
            raise self.error
        self.of += [record.partition() for record in records]


@dataclass
class Thread:
    alive: bool


class Scene:
    """A loop over so many servers."""

    def __init__(self, *threads: Thread, servers: int = 1) -> None:
        main = Server()
        self.servers = [main, *(Server(main) for _ in range(1, servers))]
        self.group = Group(servers)
        self.group.groups = [one.group() for one in self.servers]
        self.takings = Takings()
        self.beats: list[str] = []
        self.loop = ConsumerLoop(
            cast("GroupMember", self.group),
            cast("ShardOwnership", self.group),
            cast("RecordDecoder", self.takings),
            [Backpressure(group) for group in self.group.groups],
            threads or (Thread(alive=True),),
            lambda: self.beats.append("beat"),
            threading.Event(),
            batch_size=BATCH,
        )

    def run(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop._run_once()


def test_nothing_goes_on_without_a_thread_that_sending_rests_on() -> None:
    scene = Scene(Thread(alive=True), Thread(alive=False))
    with pytest.raises(ThreadDied):
        scene.run()
    assert scene.beats == []


def test_a_takeover_without_room_does_not_pile_up() -> None:
    """A partition taken over while there is no room does not pile up."""
    scene = Scene()
    scene.servers[0].room = False
    scene.run()
    assert scene.group.delivered == 0
    scene.group.paused = set()  # as a take-over leaves its partition
    scene.run(5)
    assert scene.group.delivered == BATCH
    assert len(scene.beats) == 6


@pytest.mark.parametrize("trouble", [{"reachable": False}, {"room": False}, {"away": True}])
def test_only_the_partitions_of_a_server_in_trouble_wait(trouble: dict[str, bool]) -> None:
    scene = Scene(servers=2)
    scene.run()
    assert set(scene.takings.of) == {0, 1}
    for name, value in trouble.items():
        setattr(scene.servers[1], name, value)
    scene.run(2)
    scene.takings.of.clear()
    scene.run(3)
    assert scene.group.paused == {1}
    assert set(scene.takings.of) == {0}
    assert scene.servers[0].admitted == 6


def test_what_comes_of_a_shut_partition_is_kept_until_it_opens() -> None:
    scene = Scene(servers=2)
    scene.servers[1].reachable = False
    scene.run()
    scene.group.paused = set()  # as a take-over leaves its partition
    scene.run()
    assert (scene.group.paused, scene.takings.of.count(1)) == ({1}, 0)
    scene.servers[1].reachable = True
    scene.takings.of.clear()
    scene.run()
    assert scene.takings.of == [1] * (BATCH // 2)


def test_the_main_server_is_waited_for_whatever_its_guard_says() -> None:
    scene = Scene()
    scene.servers[0].reachable = False
    scene.run()
    assert (scene.group.paused, scene.servers[0].admitted) == (set(), 1)


def test_what_could_not_be_taken_in_is_taken_in_later() -> None:
    scene = Scene()
    scene.takings.error = KafkaUnavailable("no dead letters")
    scene.run()
    assert (scene.takings.of, scene.servers[0].admitted) == ([], 0)
    scene.run()
    assert scene.group.paused == {0}
    scene.takings.error = None
    while not scene.takings.of:
        scene.run()
    assert len(scene.takings.of) == scene.group.delivered == BATCH


@pytest.mark.parametrize("room", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        KafkaError(KafkaError._FENCED, "fenced", fatal=True),
        KafkaError(KafkaError._FATAL, "The group id does not exist"),
    ],
    ids=["marked", "of a record"],
)
def test_a_client_that_cannot_go_on_is_replaced(error: KafkaError, room: bool) -> None:
    scene = Scene()
    scene.servers[0].room = room
    scene.group.failure = error
    scene.run()
    assert (scene.group.rejoined, scene.takings.of) == (1, [])
    scene.servers[0].room = True
    scene.run(2)
    assert (scene.group.rejoined, bool(scene.takings.of)) == (1, True)


def test_what_a_consumer_overcomes_by_itself_is_only_noted() -> None:
    scene = Scene()
    scene.group.failure = KafkaError(KafkaError._TRANSPORT, "broker down")
    scene.run()
    assert (scene.takings.of, len(scene.beats)) == ([], 1)
