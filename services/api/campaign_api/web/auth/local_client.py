"""Detection of local clients: programs of the API's own user on this machine."""

import os
import socket
from collections.abc import Callable
from enum import Enum
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from flask import Request

from campaign_api.web.auth.proxy_headers import is_proxy_header
from campaign_common.runtime.socket_owner import OwnerUntold, TcpConnection, owner_of_peer

SOCKETS = ("gunicorn.socket", "gunicorn.sock")
"""Names under which the server's workers hand on the connection of a request."""

ROOT = 0

PROXY_VERSION = "HTTP/1.0"
"""Protocol that nginx uses to a server behind it by default, without a proxy header."""


class ClientLocation(Enum):
    """Location of the client that sent a request."""

    LOCAL = "a program of the API's own user, or of root, on this machine"
    REMOTE = "another machine, another user, a proxy or a foreign page"
    UNKNOWN = "this machine; the system does not tell of which user"


def locate_client(
    request: Request, owner: Callable[[TcpConnection], int | None] = owner_of_peer
) -> ClientLocation:
    """Return the location of the client that sent `request`.

    A proxy differs from a local program by the user of the peer's socket, as the kernel has it.
    A proxy that runs as the API's own user, or as root, does not differ by that; it shows by
    HTTP/1.0 or its headers, unless it is configured not to.

    A browser on this machine sends what any web page asks it to. Its requests say so
    (Origin, Sec-Fetch-Site), but not all of them: not a GET to a name that its owner has
    pointed at this machine (DNS rebinding). So this machine must be asked by a name of its own.
    """
    if not _looks_local(request):
        return ClientLocation.REMOTE
    named = [name for name in SOCKETS if name in request.environ]
    if not named:
        return ClientLocation.UNKNOWN
    try:
        user = owner(cast("TcpConnection", request.environ[named[0]]))
    except OwnerUntold:
        return ClientLocation.UNKNOWN
    return ClientLocation.LOCAL if user in (ROOT, os.geteuid()) else ClientLocation.REMOTE


def _looks_local(request: Request) -> bool:
    return (
        is_loopback(request.remote_addr or "")
        and request.environ.get("SERVER_PROTOCOL") != PROXY_VERSION
        and not any(is_proxy_header(name) for name in request.headers.keys())  # noqa: SIM118 - no mapping
        and _names_this_machine(request)
        and not _from_a_foreign_page(request)
    )


def is_loopback(address: str) -> bool:
    """Return whether an address is one of this machine alone (127.0.0.0/8, ::1)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _names_this_machine(request: Request) -> bool:
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return host in ("localhost", socket.gethostname().lower()) or is_loopback(host)


def _from_a_foreign_page(request: Request) -> bool:
    origin = request.headers.get("Origin")
    same_origin = origin is None or origin == f"{request.scheme}://{request.host}"
    site = request.headers.get("Sec-Fetch-Site")
    return not same_origin or site not in (None, "same-origin", "none")
