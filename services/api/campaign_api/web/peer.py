"""Whether a request comes from a program on this machine, and from nowhere behind it."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request

FORWARDING = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-envoy-external-address",
        "cf-connecting-ip",
        "fastly-client-ip",
        "true-client-ip",
    }
)
"""Headers that only something between client and server adds; x-forwarded-* are others."""

PROXYS_VERSION = "HTTP/1.0"
"""What nginx speaks to a server behind it unless it is told otherwise, without such a header."""


def is_local(request: Request) -> bool:
    """Tell whether `request` was sent on this machine, by no proxy, and by no foreign page.

    A browser on this machine sends what any web page asks it to. Its requests say so
    (Origin, Sec-Fetch-Site), but not all of them: not a GET to a name that its owner has
    pointed at this machine (DNS rebinding). So this machine must be asked by a name of its own.
    """
    return (
        _is_loopback(request.remote_addr or "")
        and request.environ.get("SERVER_PROTOCOL") != PROXYS_VERSION
        and not any(_says_forwarded(name) for name in request.headers.keys())  # noqa: SIM118 - no mapping
        and _names_this_machine(request)
        and not _from_a_foreign_page(request)
    )


def _says_forwarded(name: str) -> bool:
    return name.lower() in FORWARDING or name.lower().startswith("x-forwarded")


def _is_loopback(address: str) -> bool:
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
    return host in ("localhost", socket.gethostname().lower()) or _is_loopback(host)


def _from_a_foreign_page(request: Request) -> bool:
    origin = request.headers.get("Origin")
    same_origin = origin is None or origin == f"{request.scheme}://{request.host}"
    site = request.headers.get("Sec-Fetch-Site")
    return not same_origin or site not in (None, "same-origin", "none")
