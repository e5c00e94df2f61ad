"""Connections to the real server: what each of them must do in time, and gets.

What many of them at once must not do to others is in flood/.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import ApiService, running_api, write_configuration

HEADER = b"POST /v1/camp/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, database_servers: DatabaseServers
) -> Iterator[ApiService]:
    """One flavour: what a connection may do does not depend on it."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
        make_current(database, 2)
        folder = tmp_path_factory.mktemp("connections")
        with running_api(write_configuration(folder, dsn, Workers=1)) as service:
            yield service
        database.close()


def answered(api: ApiService, sent: bytes, timeout: float = 15.0) -> bytes:
    """Everything that comes back for `sent` until the server ends the connection."""
    address = urlsplit(api.url)
    with socket.create_connection((address.hostname, address.port), timeout) as client:
        client.sendall(sent)
        received = b""
        while piece := client.recv(65_536):
            received += piece
    return received


def test_what_never_arrives_is_given_up(api: ApiService) -> None:
    assert answered(api, HEADER).startswith(b"HTTP/1.1 408 ")
    late = answered(api, HEADER + b"Content-Length: 10\r\nConnection: close\r\n\r\n{")
    assert late.startswith(b"HTTP/1.1 408 ")
    assert b'"code":-1' in late.replace(b" ", b"")


def test_one_header_more_than_allowed_is_refused(tmp_path: Path) -> None:
    dsn = "root@tcp(127.0.0.1:1)/camp"
    path = write_configuration(tmp_path, dsn, Workers=1, Api={"MaxHeaders": 10})
    begin = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    with running_api(path) as api:
        headers = [b"X-%d: 1\r\n" % n for n in range(9)]
        assert answered(api, begin + b"".join(headers[:8]) + b"\r\n").startswith(b"HTTP/1.1 200")
        assert answered(api, begin + b"".join(headers) + b"\r\n").startswith(b"HTTP/1.1 431")
        assert answered(api, begin + b"X: " + b"x" * 65_536).startswith(b"HTTP/1.1 431")


def test_answers_name_no_server(api: ApiService) -> None:
    for path in ("/healthz", "/v1/nothing", "/docs/", "/docs/swagger-ui.css"):
        answer = requests.get(f"{api.url}{path}", timeout=10)
        assert "Server" not in answer.headers
        assert "gunicorn" not in str(answer.headers).lower()
    for malformed in (b"nonsense\r\n\r\n", b"GET /x HTTP/9.9\r\n\r\n"):
        assert b"gunicorn" not in answered(api, malformed).lower()


def test_connections_serve_one_request_after_another(api: ApiService) -> None:
    address = urlsplit(api.url)
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), 10) as client:
        for sent in (request, request * 3, request[:20], request[20:]):
            client.sendall(sent)
            expected = sent.count(b"\r\n\r\n")
            received = b""
            while received.count(b'{"status":"ok"}\n') < expected:
                received += client.recv(65_536)
