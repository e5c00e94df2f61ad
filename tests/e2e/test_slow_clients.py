"""Clients that are slow on purpose, against the real server: everybody else is served on.

The figures are medians and shares of many requests, not single ones: the machine that runs this
has other things to do. Where one slow client could hold a thread, fifty of them hold all, and
then no request at all is answered within the seconds that are waited for here.
"""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.api_service import (
    ApiService,
    run_program,
    running_api,
    wait_until,
    write_configuration,
)

CLIENTS = 50
THREADS = 8
"""Far fewer than there are slow clients of each kind, in one process."""

QUICK = 0.2
"""Seconds."""

HEADER = b"POST /v1/camp/create HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
UPLOAD = (
    b"POST /v1/recipient-lists?name=slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
    b"Content-Length: 1000000000\r\n\r\n"
)


@pytest.fixture
def configuration(tmp_path: Path, database: str) -> Path:
    return prepared(tmp_path, database, Threads=THREADS)


def prepared(folder: Path, database: str, **keys: object) -> Path:
    """Write a configuration, make the schema, and have a file to create campaigns from."""
    path = write_configuration(folder, database, Workers=1, **keys)
    migrated = run_program("campaign-db", "migrate", "-c", path)
    assert migrated.returncode == 0, migrated.stderr
    (folder / "csv" / "recipients.csv").write_text("Ann,13961467500\nBob,13961467501\n")
    return path


@pytest.fixture
def api(configuration: Path) -> Iterator[ApiService]:
    with running_api(configuration) as service:
        yield service


def connect(api: ApiService, receive_buffer: int) -> socket.socket:
    """Connect with a small buffer, which leaves most of a large answer with the server."""
    address = urlsplit(api.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(10)
    client.connect((address.hostname, address.port))
    return client


class SlowClient:
    """Sends `begin` at once, and then `rest` in pieces, one every `pause` seconds, for ever."""

    def __init__(self, api: ApiService, begin: bytes, rest: bytes, pause: float) -> None:
        self.socket = connect(api, receive_buffer=4_096)
        self._begin = begin
        self._rest = rest
        self._pause = pause
        self._begun = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def is_answered(self) -> bool:
        """Tell whether the server has begun to answer, or gone."""
        readable, _, _ = select.select([self.socket], [], [], 0)
        return bool(readable)

    def wait_until_begun(self) -> None:
        assert self._begun.wait(10)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        self.socket.close()

    def _send(self) -> None:
        try:
            if self._begin:
                self.socket.sendall(self._begin)
            self._begun.set()
            while not self._ended.wait(self._pause):
                if self._rest:
                    self.socket.sendall(self._rest)
        except OSError:
            return  # the server has given it up


@contextmanager
def slow_clients(
    api: ApiService, begin: bytes, rest: bytes, pause: float
) -> Iterator[list[SlowClient]]:
    with ExitStack() as stack:
        clients = []
        for _ in range(CLIENTS):
            clients.append(SlowClient(api, begin, rest, pause))
            stack.callback(clients[-1].end)
        for client in clients:
            client.wait_until_begun()
        # Connections are accepted in turn: a later one is answered, so the server has all of these.
        wait_until(api.answers)
        yield clients


def assert_quick(api: ApiService, seconds: float) -> None:
    """Ask for `seconds`, and find nearly every answer quick."""
    health, creation = [], []
    until = time.monotonic() + seconds
    campaign = 1
    while time.monotonic() < until:
        began = time.monotonic()
        assert requests.get(f"{api.url}/healthz", timeout=5).status_code == 200
        health.append(time.monotonic() - began)
        began = time.monotonic()
        answer = api.create(campaign_id=campaign)
        assert answer.json() == {"code": 0, "msg": "success"}
        creation.append(time.monotonic() - began)
        campaign += 1
    for seen in (health, creation):
        assert len(seen) >= 10
        assert median(seen) < QUICK
        assert sum(one >= QUICK for one in seen) <= len(seen) // 5, sorted(seen)


@pytest.mark.parametrize(
    ("begin", "rest", "pause"),
    [
        pytest.param(b"", b"G", 1.0, id="a header of one byte a second"),
        pytest.param(b"", b"", 1.0, id="nothing at all"),
        pytest.param(HEADER, b"", 1.0, id="a header that never ends"),
        pytest.param(
            HEADER + b"Content-Length: 1000\r\n\r\n{", b" ", 1.0, id="a body of one byte a second"
        ),
        pytest.param(
            HEADER + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
            b"1\r\n \r\n",
            1.0,
            id="a chunk a second",
        ),
        pytest.param(
            HEADER + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
            b"",
            1.0,
            id="a body that is announced and does not come",
        ),
    ],
)
def test_fifty_slow_clients_keep_nobody_else_waiting(
    api: ApiService, begin: bytes, rest: bytes, pause: float
) -> None:
    with slow_clients(api, begin, rest, pause):
        assert_quick(api, 6)
    wait_until(api.answers)


def test_fifty_uploads_at_1_kb_a_second_keep_nobody_else_waiting(
    tmp_path: Path, database: str
) -> None:
    room = {"MaxImports": CLIENTS * 4 // 3 + 1}  # three quarters of these are for uploads
    roomy = prepared(tmp_path, database, Threads=CLIENTS + THREADS, Api=room)
    with running_api(roomy) as api:
        with slow_clients(api, UPLOAD, b"Ann,13961467500\n" * 64, 1.0) as clients:
            assert_quick(api, 6)
            assert not any(client.is_answered() for client in clients)
        wait_until(api.answers)


@pytest.fixture
def export(api: ApiService) -> str:
    """The path of an export of 12 MB: more than any system takes without its being read."""
    upload = "Ann,13961467500\n" + f"{'x' * 2_000}\n" * 6_000
    headers = {"Content-Type": "text/csv"}
    answer = requests.post(
        f"{api.url}/v1/recipient-lists?name=bad", data=upload, headers=headers, timeout=60
    )
    assert answer.json()["rejected"] == 6_000
    return f"/v1/recipient-lists/{answer.json()['id']}/rejects.csv"


def test_fifty_clients_that_do_not_read_keep_nobody_else_waiting(
    api: ApiService, export: str
) -> None:
    begin = f"GET {export} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def ask() -> requests.Response:
        return requests.get(f"{api.url}{export}", timeout=30)

    with slow_clients(api, begin, b"", 1.0) as clients:
        wait_until(lambda: all(client.is_answered() for client in clients))
        assert_quick(api, 6)
        refused = ask()
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    wait_until(lambda: ask().status_code == 200)
    assert ask().text.count("\n") == 6_001


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


def test_answers_name_no_server(configuration: Path, api: ApiService) -> None:
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
