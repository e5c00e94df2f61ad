import os
import socket
from collections.abc import Callable

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from campaign_api.web.auth.local_client import ClientLocation, locate_client
from campaign_common.runtime.socket_owner import OwnerUntold, TcpConnection


def request_from(address: str, headers: dict[str, str] | None = None) -> Request:
    base = "http://localhost:10001"
    environ = EnvironBuilder("/v1/stats", base_url=base, headers=headers).get_environ()
    connection = {"gunicorn.socket": object()}
    return Flask("x").request_class({**environ, **connection, "REMOTE_ADDR": address})


def is_local(request: Request) -> bool:
    """Judge a request by what it looks like; the peer's user is the API's own."""
    return locate_client(request, lambda _: os.geteuid()) is ClientLocation.LOCAL


def untold(_: TcpConnection) -> int | None:
    raise OwnerUntold


@pytest.mark.parametrize(
    ("owner", "location"),
    [
        (lambda _: os.geteuid(), ClientLocation.LOCAL),
        (lambda _: 0, ClientLocation.LOCAL),
        (lambda _: os.geteuid() + 33, ClientLocation.REMOTE),
        (lambda _: None, ClientLocation.REMOTE),
        (untold, ClientLocation.UNKNOWN),
    ],
    ids=["own user", "root", "another user", "no owner", "untold"],
)
def test_the_user_of_the_peer_decides(
    owner: Callable[[TcpConnection], int | None], location: ClientLocation
) -> None:
    assert locate_client(request_from("127.0.0.1"), owner) is location


def test_a_request_without_a_connection_is_untold() -> None:
    """A server that does not hand the connection on leaves nothing to ask the kernel about."""
    request = request_from("127.0.0.1")
    del request.environ["gunicorn.socket"]
    assert locate_client(request) is ClientLocation.UNKNOWN


def test_another_machine_is_not_asked_about() -> None:
    assert locate_client(request_from("10.0.0.1"), untold) is ClientLocation.REMOTE


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
        "X-Azure-ClientIP",
        "X-Azure-SocketIP",
        "Fly-Client-IP",
        "Client-IP",
        "X-ProxyUser-Ip",
        "X-Varnish",
        "True-Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "X-Forwarded",
        "X-Forwarded-By",
        "Forwarded-For",
        "Fastly-Client-IP",
        "X-Amzn-Trace-Id",
        "X-Amz-Cf-Id",
        "X-Envoy-External-Address",
        "X-Envoy-Expected-Rq-Timeout-Ms",
        "CDN-Loop",
        "CF-Ray",
        "X-Appengine-User-IP",
        "X-Original-Host",
        "X-ARR-LOG-ID",
        "X-Vercel-Forwarded-For",
        "Proxy-Connection",
    ],
)
def test_what_was_forwarded_is_not(header: str) -> None:
    assert not is_local(request_from("127.0.0.1", {header: "127.0.0.1"}))


@pytest.mark.parametrize(
    "header",
    ["X-Request-Id", "traceparent", "tracestate", "X-Requested-With", "User-Agent"],
)
def test_what_clients_send_themselves_is_no_trace(header: str) -> None:
    assert is_local(request_from("127.0.0.1", {header: "x"}))


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
