"""Addresses that failed sign-ins are counted by."""

from ipaddress import ip_network

import pytest
from flask import Flask, request

from campaign_api.dashboard.access.client_address import ClientAddresses

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:f::/48"))


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.2.0.1"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::/64"),
        ("2001:db8:f::1", ["2001:db8:1:2:9::9"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, <script>"], "10.0.0.1"),
        ("10.0.0.1", [", ".join(["10.3.0.1"] * 40)], "10.3.0.1"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_only_proxies_are_believed(peer: str, told: list[str], address: str) -> None:
    headers = [("X-Forwarded-For", each) for each in told]
    with Flask("any").test_request_context(headers=headers, environ_base={"REMOTE_ADDR": peer}):
        assert ClientAddresses(PROXIES).of(request) == address
