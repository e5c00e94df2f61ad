"""Requests that are no proper HTTP: refused by the real server in the API's own form, quickly."""

import json
import re
import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.raw_http import RawConnection
from tests.support.services.api_service import ApiService, running_api, write_configuration

GET = b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\n"
CREATE = b"POST /v1/camp/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = CREATE + b"Transfer-Encoding: chunked\r\n"
PHONE = b"13961467500"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    """A service without a database, which nothing here gets as far as."""
    folder: Path = tmp_path_factory.mktemp("protocol")
    path = write_configuration(folder, "root@tcp(127.0.0.1:1)/camp", Workers=1, Auth="none")
    with running_api(path) as service:
        yield service


def ask(api: ApiService, sent: bytes) -> tuple[HTTPResponse, bytes]:
    """Send bytes and read the one answer to them."""
    connection = RawConnection(api.url)
    connection.send(sent)
    response = HTTPResponse(connection._socket)
    response.begin()
    body = response.read()
    connection.close()
    return response, body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"nonsense " + PHONE + b"\r\n\r\n", 400, id="no request line"),
        pytest.param(b"GET /v1/stats HTTP/9.9\r\n\r\n", 400, id="no version"),
        pytest.param(b"G\xc3\xa9T / HTTP/1.1\r\n\r\n", 400, id="no method"),
        pytest.param(GET + b"no header " + PHONE + b"\r\n\r\n", 400, id="no header line"),
        pytest.param(GET + b"A: b\r\n c\r\n\r\n", 400, id="folded header line"),
        pytest.param(GET + b"Host: other\r\n\r\n", 400, id="two hosts"),
        pytest.param(b"GET /v1/stats HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(b"GET /v1/stats HTTP/1.1\r\nHost:\r\n\r\n", 400, id="empty host"),
        pytest.param(GET + b"A: " + b"x" * 9_000 + b"\r\n\r\n", 431, id="long header line"),
        pytest.param(GET + b"A: b\r\n" * 70 + b"\r\n", 431, id="many header lines"),
        pytest.param(GET + b"A: " + b"x" * 70_000, 431, id="endless header"),
        pytest.param(b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n\r\n", 414, id="long target"),
        pytest.param(GET + b"Expect: money\r\n\r\n", 417, id="expectation"),
        pytest.param(GET + b"Transfer-Encoding: zip\r\n\r\n", 501, id="transfer coding"),
        pytest.param(GET + b"Transfer-Encoding: gzip\r\n\r\n", 400, id="no chunks"),
        pytest.param(GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400, id="lengths"),
        pytest.param(GET + b"Content-Length: +1\r\n\r\na", 400, id="signed length"),
        pytest.param(
            GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="length and chunks",
        ),
        pytest.param(
            GET + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="chunks twice",
        ),
        pytest.param(GET + b"Transfer-Encoding : chunked\r\n\r\n", 400, id="space in a name"),
    ],
)
def test_what_is_no_request_gets_a_problem_document(
    api: ApiService, sent: bytes, status: int
) -> None:
    response, body = ask(api, sent)
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Server" not in response.headers
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-Id"])
    problem: Any = json.loads(body)
    assert problem["status"] == status
    assert problem["type"].startswith("urn:camp-mgr:problem:")
    log = api.log.read_bytes()
    assert response.headers["X-Request-Id"].encode() in log
    assert PHONE not in log + body


@pytest.mark.parametrize(
    "sent",
    [
        CREATE + b"no header\r\n\r\n",
        CREATE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CREATE.replace(b"/v1", b"http://localhost/v1") + b"A: " + b"x" * 70_000,
        CHUNKED + b"\r\nnone\r\n",
        CHUNKED + b"\r\n1\r\n{x\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0\r\nHost: other\r\n\r\n",
    ],
)
def test_of_the_original_route_in_its_own_form(api: ApiService, sent: bytes) -> None:
    response, body = ask(api, sent)
    assert response.status in (400, 431)
    assert set(json.loads(body)) == {"code", "msg"}


def test_a_client_that_waits_for_a_word_before_its_body_gets_one(api: ApiService) -> None:
    connection = RawConnection(api.url)
    connection.send(CREATE + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert connection._socket.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(b"{}")
    answer = connection.answer()
    assert answer.status == 400
    assert "campaign_name is missing" in answer.json["msg"]


def test_a_request_in_chunks_and_the_next_one_are_answered(api: ApiService) -> None:
    """Chunks are put together and the next request is answered too."""
    body = b'8;a=b\r\n{"x": 1,\r\n7\r\n"y": 2}\r\n0\r\nX: y\r\n\r\n'
    connection = RawConnection(api.url)
    connection.send(CHUNKED + b"\r\n" + body + GET.replace(b"stats", b"nothing") + b"\r\n")
    received = b""
    while b"urn:camp-mgr:problem:not-found" not in received:
        part = connection._socket.recv(65_536)
        assert part, received
        received += part
    first, second = received.split(b"HTTP/1.1 ")[1:]
    assert b"x is not a field" in first
    assert second.startswith(b"404 ")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/v1//campaigns", 404),
        (b"/v1/campaigns/", 404),
        (b"/v1/campaigns/1%2f..%2f2", 404),
        (b"/docs/%2e%2e/%2e%2e/app.py", 404),
        (b"/docs/..%2f..%2fapp.py", 404),
        (b"/v1/campaigns/-1", 404),
    ],
)
def test_strange_paths_lead_nowhere(api: ApiService, target: bytes, status: int) -> None:
    response, body = ask(api, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert response.status == status
    assert json.loads(body)["status"] == status


def test_a_large_answer_arrives_whole_though_it_is_read_late(api: ApiService) -> None:
    request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection = RawConnection(api.url)
    connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    bodies = []
    for _ in range(2):  # on the same connection
        connection.send(request)
        time.sleep(1)  # the server has sent what fits, and waits
        response = HTTPResponse(connection._socket)
        response.begin()
        bodies.append(b"".join(iter(lambda response=response: response.read(50_000), b"")))  # type: ignore[misc]
        assert len(bodies[-1]) == int(response.headers["Content-Length"])
    assert bodies[0] == bodies[1]
