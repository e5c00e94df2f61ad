"""The pages for probes and Prometheus: bounded, and answered whatever other clients do."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from campaign_common.runtime import page_server
from campaign_common.runtime.page_server import MOST_CLIENTS, PageServer, ServedPage, listening
from tests.support.waiting import wait_until

PAGES = {"/healthz": lambda: ServedPage(200, "text/plain", b"ok\n")}
FLOOD = 120
"""Fewer than a listening socket lets wait, more than there are places."""


@contextmanager
def serving() -> Iterator[PageServer]:
    server = PageServer(listening("127.0.0.1", 0), PAGES)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connect(server: PageServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 10)


def ask(server: PageServer) -> int:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    client.request("GET", "/healthz")
    status = client.getresponse().status
    client.close()
    return status


def is_closed(client: socket.socket) -> bool:
    client.settimeout(0)
    try:
        return client.recv(1_000) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nA: "], ids=["idle", "half"])
def test_clients_that_send_nothing_take_no_thread_of_others(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once had a thread of its own, as many as there were; here their time never ends."""
    monkeypatch.setattr(page_server, "SLOWEST_CLIENT", 600.0)
    monkeypatch.setattr(page_server._Handler, "timeout", 600.0)
    threads = threading.active_count()
    with serving() as server, ExitStack() as open_:
        for _ in range(FLOOD):
            client = open_.enter_context(connect(server))
            client.sendall(begun)
        assert [ask(server) for _ in range(5)] == [200] * 5
        assert threading.active_count() <= threads + MOST_CLIENTS + 1
    wait_until(lambda: threading.active_count() == threads)


def test_a_client_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte once gave it five seconds more."""
    monkeypatch.setattr(page_server, "SLOWEST_CLIENT", 0.5)
    with serving() as server, connect(server) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nA: ")

        def is_given_up() -> bool:
            try:
                client.settimeout(10)
                client.sendall(b"x")
            except OSError:
                return True
            return is_closed(client)

        wait_until(is_given_up)


def test_a_header_without_end_is_refused() -> None:
    with serving() as server, connect(server) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 4_000)
        answer = b""
        while received := client.recv(65_536):
            answer += received
            if b"\r\n\r\n" in answer:
                break
        assert b" 431 " in answer.splitlines()[0]
        assert ask(server) == 200


def test_a_failing_thread_leaves_no_place_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        with monkeypatch.context() as broken:

            def fail(*_: object) -> None:
                raise RuntimeError("can't start new thread")

            broken.setattr(threading.Thread, "start", fail)
            for _ in range(MOST_CLIENTS * 2):
                with connect(server) as client:
                    client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                    wait_until(lambda client=client: is_closed(client), timeout=10)  # type: ignore[misc]
        assert ask(server) == 200
