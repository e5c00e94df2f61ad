from ipaddress import ip_network

import pytest

from campaign_providers.http.connections.addresses import AddressRules


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "11.0.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "2606:2800:220:1::1",
        "2001:4860:4860::8888",
        "2a00:1450::1",
        "64:ff9b::5db8:d70e",
        "::ffff:93.184.215.14",
        "2002:5db8:d70e::",
    ],
)
def test_public_addresses_are_permitted(address: str) -> None:
    assert AddressRules([]).permit(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused, not bound
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "192.0.0.9",
        "192.0.2.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.88.99.1",
        "192.175.48.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "239.255.255.250",
        "fec0::1",
        "feff:ffff::1",
        "fd12:3456:789a::1",
        "fe80::a9fe:a9fe",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "64:ff9b:1::7f00:1",
        "64:ff9b::a00:1",
        "100::1",
        "100:0:0:1::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2002:a9fe:a9fe::",
        "2620:4f:8000::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "ff0e::1",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    assert not AddressRules([]).permit(address)


def test_named_networks_are_permitted() -> None:
    rules = AddressRules([ip_network("10.1.0.0/16"), ip_network("::1/128")])
    assert rules.permit("10.1.255.1")
    assert rules.permit("::1")
    assert rules.permit("::ffff:10.1.0.1")
    assert not rules.permit("10.2.0.1")
    assert not rules.permit("127.0.0.1")
