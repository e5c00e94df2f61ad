"""Owner of the other end of a TCP connection on this machine, as the kernel knows it.

Linux answers by sock_diag(7) for one connection, or by /proc/net/tcp and tcp6 for all of them. It
knows the sockets of its own network namespace only: the peer in another one has no owner here. A
user of another user namespace is the overflow user (user_namespaces(7)), who can be anybody.

macOS is asked by lsof(8), which shows a user the sockets of their own processes, and root all of
them.
"""

import errno
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple, Protocol

from campaign_common.errors import CampaignError

_PROC = Path("/proc")
_OVERFLOW_USER = _PROC / "sys/kernel/overflowuid"

_NETLINK_SOCK_DIAG = 4  # linux/netlink.h
_SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_ANY_STATE = 0xFFFF_FFFF
_NO_COOKIE = 0xFFFF_FFFF
_LONGEST_ANSWER = 8_192
_PATIENCE = 1.0
"""Seconds for the kernel's answer, which it gives before `sendto` returns."""

_LSOF = "/usr/sbin/lsof"
_LSOF_PATIENCE = 5.0
"""Seconds; it takes a tenth of one."""

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_REQUEST = struct.Struct("=BBBxI")  # struct inet_diag_req_v2, before its id
_ANSWER = struct.Struct("=BBBB")  # struct inet_diag_msg, before its id
_PORTS = struct.Struct("!HH")  # struct inet_diag_sockid begins with these
_INTERFACE_AND_COOKIE = struct.Struct("=III")
_COUNTS = struct.Struct("=IIIII")  # expires, rqueue, wqueue, uid, inode
_ID_BYTES = 48
_ADDRESS_BYTES = 16
_MAPPED = bytes(10) + b"\xff\xff"
"""The prefix of an IPv4 address on a socket of IPv6 (RFC 4291, section 2.5.5.2)."""

_ESTABLISHED, _FIN_WAIT_1, _FIN_WAIT_2, _CLOSE_WAIT = 1, 4, 5, 8  # net/tcp_states.h
_OPEN_CLIENT = frozenset({_ESTABLISHED, _FIN_WAIT_1, _FIN_WAIT_2})
"""States of a client's end whose server's end is open; it may have ended its own direction."""
_OPEN_SERVER = frozenset({_ESTABLISHED, _CLOSE_WAIT})

Address = tuple[IPv4Address | IPv6Address, int]


class OwnerUntold(CampaignError):
    """The system has no means to name the owner of a socket."""


class TcpConnection(Protocol):
    """The server's end of a TCP connection."""

    def getpeername(self) -> Sequence[object]:
        """Return address and port of the other end."""

    def getsockname(self) -> Sequence[object]:
        """Return address and port of this end."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return an option's value."""


class _Found(NamedTuple):
    """A socket as the kernel lists it."""

    state: int
    user: int
    inode: int


Source = Callable[[Address, Address], _Found | None]
"""Finds the socket at the first address that is connected to the second one.

Raises OSError where it has no means to.
"""


def owner_of_peer(connection: TcpConnection) -> int | None:
    """Return the user id of the program at the other end of a connection on this machine.

    None: the peer's socket is not in this network namespace, was closed by its program, or
    belongs to a user that this user namespace does not know.

    A socket that its program has closed has no inode, and is the root user's by the kernel's
    account (`sock_i_uid` up to Linux 6.16): without an inode there is no owner. An address and
    port that another socket has taken over meanwhile are told by the state of this end, which is
    looked at last: as long as it is open no other connection can have them.

    Raises:
        OwnerUntold: the system has no means to tell.
    """
    try:
        client, server = _address(connection.getpeername()), _address(connection.getsockname())
    except (OSError, ValueError):
        return None
    found = _find(client, server)
    if found is None or found.state not in _OPEN_CLIENT or not found.inode:
        return None
    if found.user == _overflow_user() or not _is_open(connection):
        return None
    return found.user


def _find(client: Address, server: Address) -> _Found | None:
    sources: tuple[Source, ...] = ()
    if sys.platform.startswith("linux"):
        sources = (by_sock_diag, by_proc)
    elif sys.platform == "darwin":
        sources = (by_lsof,)
    for source in sources:
        with suppress(OSError, subprocess.TimeoutExpired):
            return source(client, server)
    raise OwnerUntold(f"no means to name the owner of a socket on this system ({sys.platform})")


def by_sock_diag(client: Address, server: Address) -> _Found | None:
    """Ask for one socket by sock_diag(7).

    Raises:
        OSError: the kernel does not offer it, or a sandbox forbids it.
    """
    family = socket.AF_INET if client[0].version == 4 else socket.AF_INET6
    request = b"".join(
        (
            _REQUEST.pack(family, socket.IPPROTO_TCP, 0, _ANY_STATE),
            _PORTS.pack(client[1], server[1]),
            client[0].packed.ljust(_ADDRESS_BYTES, b"\0"),
            server[0].packed.ljust(_ADDRESS_BYTES, b"\0"),
            _INTERFACE_AND_COOKIE.pack(0, _NO_COOKIE, _NO_COOKIE),
        )
    )
    length = _HEADER.size + len(request)
    header = _HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG
    ) as kernel:
        kernel.settimeout(_PATIENCE)
        kernel.sendto(header + request, (0, 0))
        answer = kernel.recv(_LONGEST_ANSWER)
    found = _read_answer(answer)
    # A listening socket at the client's port would be named where there is no connection.
    return found[2] if found is not None and found[:2] == (client, server) else None


def _read_answer(answer: bytes) -> tuple[Address, Address, _Found] | None:
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind == _NLMSG_ERROR:
        (number,) = struct.unpack_from("=i", answer, _HEADER.size)
        if -number == errno.ENOENT:
            return None
        raise OSError(-number, os.strerror(-number))
    if kind != _SOCK_DIAG_BY_FAMILY:
        raise OSError(errno.EPROTO, f"sock_diag answers with a message of type {kind}")
    family, state, _, _ = _ANSWER.unpack_from(answer, _HEADER.size)
    at = _HEADER.size + _ANSWER.size
    ports = _PORTS.unpack_from(answer, at)
    length = 4 if family == socket.AF_INET else _ADDRESS_BYTES
    first, second = at + _PORTS.size, at + _PORTS.size + _ADDRESS_BYTES
    local, remote = (_unmapped(ip_address(answer[n : n + length])) for n in (first, second))
    _, _, _, user, inode = _COUNTS.unpack_from(answer, at + _ID_BYTES)
    return (local, ports[0]), (remote, ports[1]), _Found(state, user, inode)


def by_proc(client: Address, server: Address, proc: Path = _PROC) -> _Found | None:
    """Find one socket in /proc/net/tcp and tcp6 (proc(5)).

    Raises:
        OSError: neither can be read.
    """
    tables = [proc / "net/tcp"]
    if (proc / "net/tcp6").exists():
        tables.append(proc / "net/tcp6")
    ends = (_written(client), _written(server))
    for table in tables:
        with table.open() as lines:
            next(lines, None)
            for line in lines:
                _, local, remote, state, _, _, _, user, _, inode, *_ = line.split()
                if local in ends[0] and remote in ends[1]:
                    return _Found(int(state, 16), int(user), int(inode))
    return None


def by_lsof(client: Address, server: Address, program: str = _LSOF) -> _Found | None:
    """Find the process that holds one socket, by lsof(8).

    Raises:
        OSError: it is not there.
        TimeoutExpired: it does not answer.
    """
    place = f"-iTCP@{_shown(client)}"
    completed = subprocess.run(  # noqa: S603 - a fixed program, and an address
        [program, "-nPw", "-a", place, "-sTCP:ESTABLISHED", "-Fun"],
        capture_output=True,
        text=True,
        timeout=_LSOF_PATIENCE,
        check=False,  # 1: there is none
    )
    user = -1
    for line in completed.stdout.splitlines():
        if line.startswith("u"):
            user = int(line[1:])
        elif line == f"n{_shown(client)}->{_shown(server)}" and user >= 0:
            return _Found(_ESTABLISHED, user, inode=1)
    return None


def _shown(address: Address) -> str:
    host, port = address
    return f"{host}:{port}" if host.version == 4 else f"[{host}]:{port}"


def _written(address: Address) -> frozenset[str]:
    """Write an address as /proc/net/tcp or tcp6 does: words of 32 bits in the machine's order."""
    host, port = address
    forms = [host.packed]
    if host.version == 4:
        forms.append(_MAPPED + host.packed)
    return frozenset(
        "".join(
            f"{int.from_bytes(packed[at : at + 4], sys.byteorder):08X}"
            for at in range(0, len(packed), 4)
        )
        + f":{port:04X}"
        for packed in forms
    )


def _address(name: Sequence[object]) -> Address:
    """Read a socket's name; an interface after % does not matter."""
    host, port, *_ = name
    return _unmapped(ip_address(str(host).partition("%")[0])), int(str(port))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 socket writes as ::ffff:a.b.c.d."""
    return getattr(address, "ipv4_mapped", None) or address


def _is_open(connection: TcpConnection) -> bool:
    """Return whether this end is open: on Linux by the first byte of struct tcp_info."""
    try:
        if not hasattr(socket, "TCP_INFO"):
            return bool(connection.getpeername())  # fails once the connection is reset
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _OPEN_SERVER
    except OSError:
        return False


def _overflow_user() -> int | None:
    with suppress(OSError, ValueError):
        return int(_OVERFLOW_USER.read_text())
    return None
