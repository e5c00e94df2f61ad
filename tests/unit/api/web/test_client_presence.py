import socket

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
