from types import SimpleNamespace
from typing import Any

from campaign_api.serving.readers import MOST_WAITING, Readers


class Connection:
    def __init__(self, waiting: int) -> None:
        self.answer = SimpleNamespace(outgoing=bytes(waiting))


def readers(*connections: Any, silence: float = 1e9) -> Readers:  # noqa: ANN401 - stand for TConn
    known = Readers(silence)
    for connection in connections:
        known.note(connection)
    return known


def test_the_slowest_is_who_has_read_nothing_for_longest() -> None:
    first, second = Connection(1), Connection(1)
    known = readers(first, second)
    assert known.slowest() is first
    known.note(first)
    assert known.slowest() is second
    known.remove(second)
    assert known.slowest() is first


def test_who_reads_nothing_in_time_is_overdue() -> None:
    connection = Connection(1)
    assert readers(connection).overdue(0.0) == []
    assert readers(connection, silence=-1e9).overdue(0.0) == [connection]
    assert readers(connection).overdue(float("inf")) == [connection]


def test_answers_that_wait_take_only_so_much_memory() -> None:
    half = MOST_WAITING // 2
    assert not readers(Connection(half), Connection(half)).hold_too_much()
    assert readers(Connection(half), Connection(half), Connection(1)).hold_too_much()
    assert not readers(Connection(MOST_WAITING + 1)).hold_too_much()
