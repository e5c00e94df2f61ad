import socket

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from campaign_api.web.peer import is_local


def request_from(address: str, headers: dict[str, str] | None = None) -> Request:
    base = "http://localhost:10001"
    environ = EnvironBuilder("/v1/stats", base_url=base, headers=headers).get_environ()
    return Flask("x").request_class({**environ, "REMOTE_ADDR": address})


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_local(address: str) -> None:
    assert is_local(request_from(address))


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.9", "::ffff:10.0.0.1", "fe80::1", ""])
def test_any_other_address_is_not(address: str) -> None:
    assert not is_local(request_from(address))


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "x-forwarded-host",
        "X-Real-IP",
        "Via",
        "CF-Connecting-IP",
        "X-Original-Forwarded-For",
    ],
)
def test_what_was_forwarded_is_not(header: str) -> None:
    assert not is_local(request_from("127.0.0.1", {header: "127.0.0.1"}))


def test_what_nginx_sends_on_without_any_header_is_not() -> None:
    request = request_from("127.0.0.1")
    request.environ["SERVER_PROTOCOL"] = "HTTP/1.0"
    assert not is_local(request)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:10001", "localhost.evil.example", "10.0.0.1", "[::1", ""]
)
def test_a_name_that_somebody_else_points_here_is_not(host: str) -> None:
    assert not is_local(request_from("127.0.0.1", {"Host": host}))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "https://localhost:10001"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Host": "evil.example:10001"},
        {"Origin": "http://evil.example:10001", "Host": "evil.example:10001"},
    ],
)
def test_what_a_foreign_page_has_a_browser_send_is_not(headers: dict[str, str]) -> None:
    assert not is_local(request_from("127.0.0.1", headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": f"{socket.gethostname()}:10001"},
        {"Host": "LOCALHOST"},
        {"Host": "[::1]:10001"},
        {"Origin": "http://localhost:10001", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_programs_and_the_services_own_page_are(headers: dict[str, str]) -> None:
    assert is_local(request_from("127.0.0.1", headers))
