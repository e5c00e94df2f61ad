"""Which addresses may be called: public ones, and those that the configuration names.

A URL is configuration, but where its name leads is decided by whoever runs the name server: a
private address would let them aim this process at its own network.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is really reached."""


class AddressRules:
    """Permits public addresses, and those in `allowed` whatever they are."""

    def __init__(self, allowed: Sequence[IPv4Network | IPv6Network]) -> None:
        self._allowed = tuple(allowed)

    def permit(self, text: str) -> bool:
        """Tell whether the address may be called; a scope after % does not matter."""
        address = _reached(ip_address(text.partition("%")[0]))
        return any(address in network for network in self._allowed) or _is_public(address)


def _reached(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address only wraps, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)
