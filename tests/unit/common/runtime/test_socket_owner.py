"""Owners of sockets by the kernel's account: whose connection this is, in each way to ask."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from campaign_common.runtime import socket_owner
from campaign_common.runtime.socket_owner import (
    OwnerUntold,
    _Found,
    by_lsof,
    by_proc,
    by_sock_diag,
    owner_of_peer,
)
from tests.support.waiting import wait_until

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's own means")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")

ANOTHER_USER = 12_345
"""No user of any machine's own; the kernel needs no entry in /etc/passwd."""

CLIENT = """
import encodings.idna, os, socket, sys
os.setuid(int(sys.argv[1]))
client = socket.create_connection((sys.argv[2], int(sys.argv[3])))
print("connected", flush=True)
sys.stdin.read()
"""


@contextmanager
def listening(host: str) -> Iterator[socket.socket]:
    family = socket.AF_INET if "." in host and ":" not in host else socket.AF_INET6
    with socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::") as listener:
        listener.settimeout(10)
        yield listener


@contextmanager
def connected(host: str, asked: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection to a listener on `host`, as the client and as the server have it."""
    with listening(host) as listener:
        client = socket.create_connection((asked, listener.getsockname()[1]), 10)
        served, _ = listener.accept()
        with client, served:
            yield client, served


@contextmanager
def client_of(user: int, listener: socket.socket) -> Iterator[socket.socket]:
    """The server's end of a connection that a program of another user holds."""
    host, port = listener.getsockname()[:2]
    program = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CLIENT, str(user), host, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with program:
        try:
            served, _ = listener.accept()
            with served:
                yield served
        finally:
            program.kill()


ADDRESSES = [
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "127.0.0.1"),
    ("::1", "::1"),
    ("::", "127.0.0.1"),
    ("::", "::1"),
    ("::", "::ffff:127.0.0.1"),
]


@linux_only
@pytest.mark.parametrize("source", [by_sock_diag, by_proc])
@pytest.mark.parametrize(("host", "asked"), ADDRESSES)
def test_the_own_user_is_named(
    host: str, asked: str, source: socket_owner.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IPv4, IPv6, and IPv4 on a socket of IPv6, by each of the kernel's answers."""
    monkeypatch.setattr(socket_owner, "by_sock_diag", source)
    with connected(host, asked) as (_, served):
        assert owner_of_peer(served) == os.geteuid()


@linux_only
@root_only
@pytest.mark.parametrize("source", [by_sock_diag, by_proc])
def test_another_user_is_named(
    source: socket_owner.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_owner, "by_sock_diag", source)
    with listening("127.0.0.1") as listener, client_of(ANOTHER_USER, listener) as served:
        assert owner_of_peer(served) == ANOTHER_USER


@linux_only
@pytest.mark.parametrize("source", [by_sock_diag, by_proc])
def test_a_client_that_closed_has_no_owner(
    source: socket_owner.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel calls a socket root's once its program has closed it."""
    monkeypatch.setattr(socket_owner, "by_sock_diag", source)
    with connected("127.0.0.1", "127.0.0.1") as (client, served):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.close()
        assert owner_of_peer(served) is None


@linux_only
def test_a_client_that_only_ended_its_direction_has_one() -> None:
    with connected("127.0.0.1", "127.0.0.1") as (client, served):
        client.shutdown(socket.SHUT_WR)
        assert owner_of_peer(served) == os.geteuid()


@linux_only
def test_a_connection_that_was_reset_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address and port are free for other programs at once, root's for example."""
    taken_over = _Found(state=1, user=0, inode=1)
    monkeypatch.setattr(socket_owner, "by_sock_diag", lambda *_: taken_over)
    with connected("127.0.0.1", "127.0.0.1") as (client, served):
        assert owner_of_peer(served) == 0
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        wait_until(lambda: owner_of_peer(served) is None)


@linux_only
@pytest.mark.parametrize("source", [by_sock_diag, by_proc])
def test_no_connection_has_no_owner(source: socket_owner.Source) -> None:
    with listening("127.0.0.1") as listener:
        port = listener.getsockname()[1]
        here = ip_address("127.0.0.1")
        assert source((here, port), (here, 1)) is None


@linux_only
def test_the_overflow_user_may_be_anybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So the kernel calls users of other user namespaces (user_namespaces(7))."""
    overflow = tmp_path / "overflowuid"
    overflow.write_text(f"{os.geteuid()}\n")
    monkeypatch.setattr(socket_owner, "_OVERFLOW_USER", overflow)
    with connected("127.0.0.1", "127.0.0.1") as (_, served):
        assert owner_of_peer(served) is None


def test_a_system_without_means_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket_owner, "by_sock_diag", forbidden)
    monkeypatch.setattr(socket_owner, "by_proc", forbidden)
    with connected("127.0.0.1", "127.0.0.1") as (_, served), pytest.raises(OwnerUntold):
        owner_of_peer(served)


def test_another_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected("127.0.0.1", "127.0.0.1") as (_, served):
        monkeypatch.setattr(socket_owner.sys, "platform", "sunos5")
        with pytest.raises(OwnerUntold):
            owner_of_peer(served)


@pytest.mark.parametrize(
    ("said", "user"),
    [
        ("p7\nu501\nf5\nn127.0.0.1:50000->127.0.0.1:10001\n", 501),
        ("p6\nu0\nf9\nn127.0.0.1:10001->127.0.0.1:50000\np7\nu501\nf5\nn{}\n", 501),
        ("p6\nu0\nf9\nn127.0.0.1:10001->127.0.0.1:50000\n", None),
        ("p6\nu0\nf9\nn127.0.0.1:50000->127.0.0.1:10002\n", None),
        ("", None),
    ],
    ids=["client", "server and client", "server alone", "another connection", "nothing"],
)
def test_what_lsof_says_is_read(tmp_path: Path, said: str, user: int | None) -> None:
    """As on macOS; in its form for programs (-F), which is the same everywhere."""
    here = ip_address("127.0.0.1")
    program = tmp_path / "lsof"
    text = said.format("127.0.0.1:50000->127.0.0.1:10001")
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\nexit 1\n")
    program.chmod(0o755)
    found = by_lsof((here, 50_000), (here, 10_001), str(program))
    assert (None if found is None else found.user) == user
