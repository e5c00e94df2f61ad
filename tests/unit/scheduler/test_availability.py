"""A database server that is down stops only what lives on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from campaign_common.database import Cursor, Database, Databases
from campaign_common.domain.claim import ClaimedMessage, encode_claim
from campaign_common.errors import DatabaseUnavailable
from campaign_scheduler.availability import ServerAvailability
from campaign_scheduler.fanout.outcome_counts import OutcomeCounts

SECOND_SHARDS = {1: 1, 3: 1}


class Server:
    """Answers the statements from plain values, or is down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.away = False
        self.asked = 0
        self.counters: dict[tuple[int, int], int] = {}
        """Outcomes by campaign and shard."""
        self.claimed: list[bytes] = []
        self._rows: list[tuple[Any, ...]] = []

    @contextmanager
    def reading(self) -> Iterator["Server"]:
        self.asked += 1
        if self.away:
            raise DatabaseUnavailable(f"{self.name}: gone")
        yield self

    def ping(self) -> None:
        with self.reading():
            pass

    def execute(self, sql: str, arguments: tuple[Any, ...] = ()) -> None:
        if "campaign_counters" in sql:
            self._rows = [
                (*key, n, n) for key, n in self.counters.items() if key[0] in arguments[0]
            ]
        else:
            self._rows = [(packed,) for packed in self.claimed]

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


class Scene:
    """Two servers, each with every other shard; a partition for each shard."""

    def __init__(self) -> None:
        self.main, self.second = Server("main"), Server("second")
        pools = cast("tuple[Database, ...]", (self.main, self.second))
        self.databases = Databases(pools, SECOND_SHARDS)
        self.availability = ServerAvailability(self.databases)
        self.outcomes = OutcomeCounts(self.databases, self.availability)

    def query(self, server: Server, query: Callable[[Cursor], str] = lambda _: "yes") -> str | None:
        return self.availability.query(cast("Database", server), query)

    def recorded(self, *campaign_ids: int) -> dict[int, dict[int, int]]:
        return {
            campaign_id: {shard: outcomes.recorded for shard, outcomes in counts.items()}
            for campaign_id, counts in self.outcomes.by_shard(campaign_ids).items()
        }

    def lose_second(self) -> None:
        self.second.away = True
        assert self.query(self.second) is None


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_lost_server_is_not_asked_before_its_return(scene: Scene) -> None:
    """A server that is away is not asked again before it is found back."""
    assert (scene.query(scene.main), scene.query(scene.second)) == ("yes", "yes")
    scene.lose_second()
    asked = scene.second.asked
    assert scene.query(scene.second) is None
    assert scene.second.asked == asked
    scene.availability.probe()
    assert scene.availability.is_down(scene.second)
    scene.second.away = False
    assert scene.query(scene.second) is None
    scene.availability.probe()
    assert scene.query(scene.second) == "yes"
    assert not scene.availability.is_down(scene.second)


def test_the_main_server_is_asked_every_time(scene: Scene) -> None:
    scene.main.away = True
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            scene.query(scene.main)
    assert not scene.availability.is_down(scene.main)


def test_a_lost_server_counts_as_it_did_last(scene: Scene) -> None:
    """The last counts of a server stand for it while it is away."""
    scene.main.counters, scene.second.counters = {(7, 0): 10, (8, 2): 1}, {(7, 1): 5, (8, 3): 2}
    assert scene.recorded(7, 8) == {7: {0: 10, 1: 5}, 8: {2: 1, 3: 2}}
    scene.lose_second()
    scene.main.counters = {(7, 0): 20, (8, 2): 1}
    assert scene.recorded(7) == {7: {0: 20, 1: 5}}
    assert scene.recorded(7, 8, 9) == {7: {0: 20, 1: 5}, 8: {2: 1, 3: 2}, 9: {}}


def test_rows_left_by_a_moved_shard_are_not_counted(scene: Scene) -> None:
    """Rows left on the former server of a shard are not counted."""
    scene.main.counters, scene.second.counters = {(7, 1): 4}, {(7, 1): 5}
    assert scene.recorded(7) == {7: {1: 5}}


def test_claims_are_those_of_the_servers_that_are_there(scene: Scene) -> None:
    scene.main.claimed = [encode_claim([ClaimedMessage(7, n, 0, 1) for n in range(3)])]
    scene.second.claimed = [encode_claim([ClaimedMessage(7, 9, 0, 1), ClaimedMessage(8, 9, 0, 1)])]
    assert scene.outcomes.claimed() == {7: 4, 8: 1}
    scene.lose_second()
    assert scene.outcomes.claimed() == {7: 3}
