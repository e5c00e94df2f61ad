"""The connections of a process: who yields to whom."""

import socket
from collections.abc import Iterator

import gevent
import pytest

from campaign_api.serving.connection import Connection
from campaign_api.serving.connections import MOST_OF_HEADERS, Connections, NoRoom, Phase


class Maker:
    """Makes connections, and knows which of them were ended."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.made: list[Connection] = []
        self._ends: list[socket.socket] = []

    def make(self, phase: Phase = Phase.WAITING, beginning: bytes = b"") -> Connection:
        pair = socket.socketpair()
        self._ends += pair
        made = Connection(pair[0], gevent.Greenlet(), self.connections, 1.0)
        made.beginning = beginning
        self.made.append(made)
        self.connections.add(made)
        made.move(phase)
        return made

    def hold(self, connection: Connection, size: int) -> None:
        """Hold bytes for which those that yielded have made room."""
        if not self.connections.make_room(connection, size):
            for ended in self.made:
                if ended.yields:
                    self.connections.remove(ended)
            assert self.connections.make_room(connection, size)
        self.connections.hold(connection, size)

    def close(self) -> None:
        for end in self._ends:
            end.close()


@pytest.fixture
def maker() -> Iterator[Maker]:
    made = Maker(Connections(most=3, most_waiting=100))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("phases", "ended"),
    [
        pytest.param([Phase.WAITING] * 3, 0, id="the oldest of those without a request"),
        pytest.param([Phase.WORKING, Phase.WAITING, Phase.WAITING], 1, id="none at work"),
        pytest.param([Phase.WAITING, Phase.LEAVING, Phase.BODY], 1, id="one that is left first"),
        pytest.param([Phase.SENDING, Phase.BODY, Phase.WORKING], 1, id="a body before a reader"),
        pytest.param([Phase.WORKING, Phase.SENDING, Phase.WORKING], 1, id="a reader at last"),
    ],
)
def test_one_yields_to_a_new_connection(maker: Maker, phases: list[Phase], ended: int) -> None:
    held = [maker.make(phase) for phase in phases]
    maker.make()
    assert [connection.yields for connection in held] == [n == ended for n in range(3)]
    assert len(maker.connections) == 3


def test_a_new_connection_is_refused_where_all_work(maker: Maker) -> None:
    for _ in range(3):
        maker.make(Phase.WORKING)
    with pytest.raises(NoRoom):
        maker.make()


def test_a_header_does_not_make_a_connection_younger(maker: Maker) -> None:
    first, second = maker.make(), maker.make()
    first.beginning = b"G"
    maker.make()
    maker.make()
    assert (first.yields, second.yields) == (True, False)


def test_the_slowest_readers_yield_to_bytes(maker: Maker) -> None:
    slow, slower = maker.make(Phase.SENDING), maker.make(Phase.SENDING)
    maker.hold(slow, 60)
    maker.hold(slower, 30)
    body = maker.make(Phase.BODY)
    maker.hold(body, 50)
    assert (slow.yields, slower.yields) == (True, False)


def test_the_oldest_body_yields_to_another_one_and_not_to_itself(maker: Maker) -> None:
    old, young = maker.make(Phase.BODY), maker.make(Phase.BODY)
    maker.hold(old, 60)
    maker.hold(young, 60)
    assert (old.yields, young.yields) == (True, False)
    with pytest.raises(NoRoom):
        maker.hold(young, 60)


def test_what_is_worked_on_yields_to_nothing(maker: Maker) -> None:
    working, body = maker.make(Phase.WORKING), maker.make(Phase.BODY)
    maker.hold(working, 60)
    with pytest.raises(NoRoom):
        maker.hold(body, 60)
    assert not working.yields


def test_there_is_room_when_those_that_yield_have_let_go(maker: Maker) -> None:
    """Their bytes are in memory until then."""
    old, young = maker.make(Phase.BODY), maker.make(Phase.BODY)
    maker.hold(old, 60)
    assert not maker.connections.make_room(young, 60)
    assert not maker.connections.make_room(young, 60), "and nobody else has to yield"
    maker.connections.release(old)
    assert maker.connections.make_room(young, 60)


def test_bytes_that_reach_one_that_yields_are_counted_once(maker: Maker) -> None:
    """It may be woken by what it waited for before it is ended."""
    old, young = maker.make(Phase.BODY), maker.make(Phase.BODY)
    maker.hold(old, 60)
    assert not maker.connections.make_room(young, 60)
    maker.connections.hold(old, 30)
    maker.connections.remove(old)
    assert maker.connections.make_room(young, 100)
    maker.connections.hold(young, 100)
    maker.connections.release(young)
    assert maker.connections.make_room(young, 100)


def test_the_largest_header_yields_before_an_older_one(maker: Maker) -> None:
    small, large = maker.make(), maker.make()
    maker.connections.hold_header(small, 100)
    maker.connections.hold_header(large, MOST_OF_HEADERS)
    assert (small.yields, large.yields) == (False, True)


def test_the_oldest_header_yields_where_they_are_too_large(maker: Maker) -> None:
    old, young, idle = maker.make(), maker.make(), maker.make()
    maker.connections.hold_header(old, MOST_OF_HEADERS)
    maker.connections.hold_header(young, 1)
    assert (old.yields, young.yields, idle.yields) == (True, False, False)


def test_a_complete_header_counts_no_more(maker: Maker) -> None:
    served, waiting = maker.make(), maker.make()
    maker.connections.hold_header(served, MOST_OF_HEADERS)
    served.move(Phase.WORKING)
    maker.connections.hold_header(waiting, MOST_OF_HEADERS)
    assert not served.yields
    assert not waiting.yields


def test_one_answer_may_be_any_size(maker: Maker) -> None:
    maker.hold(maker.make(Phase.SENDING), 1_000)


def test_what_an_ended_connection_held_is_free(maker: Maker) -> None:
    connection = maker.make(Phase.BODY)
    maker.hold(connection, 90)
    maker.connections.remove(connection)
    maker.connections.remove(connection)
    maker.hold(maker.make(Phase.BODY), 90)


def test_a_stop_ends_those_without_a_request(maker: Maker) -> None:
    idle, begun, working = maker.make(), maker.make(beginning=b"G"), maker.make(Phase.WORKING)
    maker.connections.end_idle()
    assert [one.yields for one in (idle, begun, working)] == [True, False, False]


def test_a_connection_that_joins_others_leaves_its_place(maker: Maker) -> None:
    others = Connections(most=1)
    moved = maker.make(Phase.WORKING)
    assert moved.join(others) is maker.connections
    assert (len(maker.connections), len(others)) == (0, 1)
    moved.move(Phase.BODY)
    moved.rejoin(maker.connections)
    assert (len(maker.connections), len(others)) == (1, 0)


def test_bytes_of_one_that_joined_others_are_theirs(maker: Maker) -> None:
    others = Connections(most=1, most_waiting=100)
    moved = maker.make(Phase.WORKING)
    moved.join(others)
    others.hold(moved, 100)
    body = maker.make(Phase.BODY)
    maker.hold(body, 100)
    assert not moved.yields
    moved.rejoin(maker.connections)
    assert moved.held == 0


def test_others_that_all_work_take_nobody_in(maker: Maker) -> None:
    others = Connections(most=1)
    first, second = maker.make(Phase.WORKING), maker.make(Phase.WORKING)
    first.join(others)
    with pytest.raises(NoRoom):
        second.join(others)
    assert (len(maker.connections), len(others)) == (1, 1)


def test_a_body_among_others_yields_to_one_that_joins_them(maker: Maker) -> None:
    others = Connections(most=1)
    first, second = maker.make(Phase.WORKING), maker.make(Phase.WORKING)
    first.join(others)
    first.move(Phase.BODY)
    second.join(others)
    assert (first.yields, second.yields) == (True, False)


def test_a_connection_comes_back_to_a_full_set(maker: Maker) -> None:
    """It has been let in before; where none can yield, there is one more for a moment."""
    moved = maker.make(Phase.WORKING)
    moved.join(Connections(most=1))
    for _ in range(3):
        maker.make(Phase.WORKING)
    moved.rejoin(maker.connections)
    assert len(maker.connections) == 4
