import selectors
import socket
import time
from collections.abc import Iterator

import pytest

from campaign_api.serving.departures import LEAVE, Departures


class Connection:
    """Stands for gunicorn's TConn."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock


class Server:
    """A worker's main loop, as far as departures need one."""

    def __init__(self) -> None:
        self.poller = selectors.DefaultSelector()
        self.closed: list[Connection] = []
        self.departures = Departures(lambda: self.poller, self._close)

    def turn(self) -> None:
        for key, _ in self.poller.select(timeout=10):
            key.data(key.fileobj)

    def _close(self, conn: Connection) -> None:
        self.closed.append(conn)
        conn.sock.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.poller.close()


@pytest.fixture
def client_and_conn() -> Iterator[tuple[socket.socket, Connection]]:
    client, ours = socket.socketpair()
    with client, ours:
        client.settimeout(10)
        yield client, Connection(ours)


def test_a_client_that_still_sends_gets_to_read_its_answer(
    server: Server, client_and_conn: tuple[socket.socket, Connection]
) -> None:
    client, conn = client_and_conn
    conn.sock.sendall(b"refused")
    server.departures.add(conn)
    client.sendall(b"what was refused")
    server.turn()
    assert server.closed == []
    assert (client.recv(100), client.recv(100)) == (b"refused", b"")
    client.shutdown(socket.SHUT_WR)
    server.turn()
    assert (server.closed, len(server.departures)) == ([conn], 0)


def test_a_client_that_does_not_go_is_left_in_time(
    server: Server, client_and_conn: tuple[socket.socket, Connection]
) -> None:
    _, conn = client_and_conn
    server.departures.add(conn)
    server.departures.end(time.monotonic())
    assert server.closed == []
    server.departures.end(time.monotonic() + LEAVE)
    assert (server.closed, len(server.departures)) == ([conn], 0)
    assert not server.poller.get_map()


def test_a_connection_that_is_gone_is_closed_at_once(
    server: Server, client_and_conn: tuple[socket.socket, Connection]
) -> None:
    _, conn = client_and_conn
    conn.sock.close()
    server.departures.add(conn)
    assert (server.closed, len(server.departures)) == ([conn], 0)
