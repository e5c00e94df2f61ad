"""Addresses that visitors come from, also through proxies.

Any client can send `X-Forwarded-For`, and each proxy appends the address that it was asked from. So
the header is read from its end, for as long as the address behind it is of a configured proxy.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import Request

from campaign_common.settings.fields.http import Network

FORWARDED_FOR = "X-Forwarded-For"

MOST_PROXIES = 16
"""Addresses of the header that are looked at, from its end."""

LONGEST = 64
"""Characters of an address that is none of the Internet Protocol's, such as that of a socket."""


class ClientAddresses:
    """Addresses of visitors, as configured proxies tell them."""

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = proxies

    def of(self, request: Request) -> str:
        """Return the address that a request comes from; of IPv6 the network of its host."""
        address = _parsed(request.remote_addr or "")
        if address is None:
            return (request.remote_addr or "")[:LONGEST]
        told = ",".join(request.headers.getlist(FORWARDED_FOR)).split(",")
        for entry in reversed(told[-MOST_PROXIES:]):
            before = _parsed(_without_port(entry.strip()))
            if before is None or not any(address in network for network in self._proxies):
                break
            address = before
        return _counted(address)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(entry: str) -> str:
    """Return the address of `192.0.2.1:4711` or `[2001:db8::1]:4711`, as some proxies write it."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _counted(address: IPv4Address | IPv6Address) -> str:
    """Return the address whose failures are counted together."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address.packed, 64), strict=False))
    return str(address)
