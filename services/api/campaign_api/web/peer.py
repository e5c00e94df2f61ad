"""Whether a request comes from a program on this machine, and from nowhere behind it."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request

FORWARDING = frozenset({"forwarded", "x-real-ip", "via", "x-client-ip", "true-client-ip"})
"""Headers that only something between client and server adds; x-forwarded-* are others."""


def is_local(request: Request) -> bool:
    """Tell whether `request` was sent on this machine, by no proxy, and by no foreign page.

    A browser on this machine sends what any web page asks it to. Its requests say so
    (Origin, Sec-Fetch-Site), and count as local only from a page that this service itself
    serves under a name of this machine.
    """
    return (
        _is_loopback(request.remote_addr or "")
        and not any(_says_forwarded(name) for name in request.headers.keys())  # noqa: SIM118 - no mapping
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


def _from_a_foreign_page(request: Request) -> bool:
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if origin is None and site is None:
        return False
    # A name that its owner has pointed at this machine (DNS rebinding) is no name of it.
    host = urlsplit(f"//{request.host}").hostname or ""
    named_locally = host == "localhost" or _is_loopback(host)
    same_origin = origin is None or urlsplit(origin).netloc == request.host
    return not (named_locally and same_origin and site in (None, "same-origin", "none"))
