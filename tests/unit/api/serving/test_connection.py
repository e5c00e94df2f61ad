"""A client's connection: bounds of waits, bytes and rates, in the loop and in a thread."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gunicorn.http.errors import LimitRequestHeaders

from campaign_api.serving import connection as module
from campaign_api.serving.connection import Connection, HeaderLate
from campaign_api.serving.connections import MOST_OF_HEADERS, Connections, NoRoom, Phase

SILENCE = 0.2


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    yield ours, theirs
    theirs.close()
    ours.close()


@pytest.fixture
def theirs(ends: tuple[socket.socket, socket.socket]) -> socket.socket:
    return ends[1]


@pytest.fixture
def connections() -> Connections:
    return Connections(most=4, most_waiting=1_000)


@pytest.fixture
def connection(ends: tuple[socket.socket, socket.socket], connections: Connections) -> Connection:
    made = Connection(ends[0], gevent.getcurrent(), connections, SILENCE)
    connections.add(made)
    return made


def in_the_loop(work: Callable[[], object]) -> BaseException | None:
    """Error that `work` raises."""
    greenlet = gevent.spawn(work)
    gevent.wait([greenlet])
    raised: BaseException | None = greenlet.exception
    return raised


def in_a_thread(work: Callable[[], object]) -> BaseException | None:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    return raised[0] if raised else None


BOTH = pytest.mark.parametrize("where", [in_the_loop, in_a_thread])


def test_no_request_in_time_is_the_end(connection: Connection) -> None:
    connection.end_after(0.05)
    assert connection.recv(100) == b""


def test_a_header_that_has_begun_is_late(
    connection: Connection, theirs: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ARRIVAL", 0.05)
    theirs.sendall(b"GET")
    assert connection.recv(100) == b"GET"
    with pytest.raises(HeaderLate):
        connection.recv(100)


def test_more_bytes_than_allowed_are_not_received(
    connection: Connection, theirs: socket.socket
) -> None:
    connection.allow(3)
    theirs.sendall(b"abcdef")
    assert connection.recv(3) == b"abc"
    with pytest.raises(LimitRequestHeaders):
        connection.recv(3)


@BOTH
def test_a_silent_upload_is_given_up(
    connection: Connection, where: Callable[[Callable[[], object]], BaseException | None]
) -> None:
    connection.move(Phase.WORKING)
    connection.keep_pace()
    began = time.monotonic()
    assert isinstance(where(lambda: connection.recv(100)), TimeoutError)
    assert time.monotonic() - began >= SILENCE


@BOTH
def test_an_upload_below_the_least_rate_is_given_up(
    connection: Connection,
    theirs: socket.socket,
    where: Callable[[Callable[[], object]], BaseException | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WINDOW", 0.5)
    connection.move(Phase.WORKING)
    connection.keep_pace()
    ended = threading.Event()

    def trickle() -> None:
        while not ended.wait(0.02):
            theirs.send(b"a")

    def receive() -> None:
        while connection.recv(100):
            pass

    thread = threading.Thread(target=trickle)
    thread.start()
    raised = where(receive)
    ended.set()
    thread.join()
    assert isinstance(raised, TimeoutError)


def test_an_answer_that_is_not_read_is_given_up(connection: Connection) -> None:
    connection.move(Phase.WORKING)
    with pytest.raises(TimeoutError):
        connection.sendall(b"x" * 10_000_000)
    assert connection.phase is Phase.SENDING


def test_an_answer_arrives_whole(connection: Connection, theirs: socket.socket) -> None:
    connection.move(Phase.WORKING)
    received = bytearray()

    def read() -> None:
        while len(received) < 3_000_000:
            received.extend(theirs.recv(65_536))

    thread = threading.Thread(target=read)
    thread.start()
    connection.sendall(b"x" * 3_000_000)
    thread.join(10)
    assert received == b"x" * 3_000_000
    assert connection.held == 0


def test_bytes_of_a_body_are_bounded(connection: Connection, theirs: socket.socket) -> None:
    connection.move(Phase.BODY)
    connection.allow(10_000)
    theirs.sendall(b"x" * 1_001)
    connection.recv(1_000)
    with pytest.raises(NoRoom):
        connection.recv(1)


def test_bytes_are_received_when_those_that_yield_have_let_go(
    connection: Connection, connections: Connections, theirs: socket.socket
) -> None:
    pair = socket.socketpair()
    slow: list[Connection] = []

    def hold() -> None:
        slow.append(Connection(pair[0], gevent.getcurrent(), connections, SILENCE))
        connections.add(slow[0])
        slow[0].move(Phase.BODY)
        connections.hold(slow[0], 900)
        try:
            gevent.sleep(60)
        finally:
            slow[0].release()

    greenlet = gevent.spawn(hold)
    gevent.sleep(0)
    connection.move(Phase.BODY)
    connection.allow(10_000)
    theirs.sendall(b"x" * 500)
    assert len(connection.recv(500)) == 500
    assert greenlet.dead
    for end in pair:
        end.close()


def test_a_header_in_one_piece_yields_to_no_other(
    connection: Connection, connections: Connections, theirs: socket.socket
) -> None:
    theirs.sendall(b"GET / HTTP/1.1\r\n\r\n")
    connection.recv(8_192)
    pair = socket.socketpair()
    other = Connection(pair[0], gevent.Greenlet(), connections, SILENCE)
    connections.add(other)
    connections.hold_header(other, MOST_OF_HEADERS + 1)
    assert (connection.yields, other.yields) == (False, True)
    for end in pair:
        end.close()


def test_what_is_sent_after_an_answer_is_thrown_away(
    connection: Connection, theirs: socket.socket
) -> None:
    theirs.sendall(b"more")
    connection.sendall(b"answer")
    theirs.shutdown(socket.SHUT_WR)
    connection.close()
    assert theirs.recv(100) == b"answer"
    assert theirs.recv(100) == b""
