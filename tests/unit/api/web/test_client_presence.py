import select
import socket

import pytest

from campaign_api.web.http.client_presence import SOCKET, is_gone


def test_a_client_is_gone_when_it_has_closed() -> None:
    client, server = socket.socketpair()
    with server:
        with client:
            assert not is_gone({SOCKET: server})
            client.send(b"GET")
            assert not is_gone({SOCKET: server})
            assert server.recv(3) == b"GET"  # it was only looked at
        assert is_gone({SOCKET: server})
    assert is_gone({SOCKET: server})
    assert not is_gone({})


@pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="this system does not tell")
def test_a_client_is_gone_before_its_bytes_are_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
    with server:
        client.send(b"half of a file")
        client.close()
        assert is_gone({SOCKET: server})
        assert server.recv(20) == b"half of a file"
