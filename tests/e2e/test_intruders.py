"""Ways around the keys that other servers have fallen for, against the real one."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.access.api_keys import revoke_key
from tests.e2e.raw_http import Answer, RawConnection
from tests.support.keys import make_key
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import ApiService, running_api, write_configuration
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def dsn(database_servers: DatabaseServers) -> Iterator[str]:
    """One flavour: who gets in does not depend on it."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def pool(dsn: str) -> Iterator[Database]:
    pool = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    make_current(pool, 2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def api(dsn: str, pool: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    folder: Path = tmp_path_factory.mktemp("intruders")
    with running_api(write_configuration(folder, dsn, Workers=1)) as service:
        yield service


@pytest.fixture(scope="module")
def key(pool: Database) -> ApiKey:
    return make_key(pool, Scope.READ)


def ask(api: ApiService, line: str, *headers: str) -> Answer:
    connection = RawConnection(api.url, timeout=15)
    lines = [f"{line} HTTP/1.1", *headers]
    if not any(header.startswith("Host:") for header in headers):
        lines.insert(1, "Host: localhost")
    connection.send("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    try:
        return connection.answer()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("X-Forwarded-For: 127.0.0.1",),
        ("Host: 127.0.0.1",),
        ("SCRIPT_NAME: /v1", "PATH_INFO: /healthz"),
        ("Script-Name: /v1/stats", "Path-Info: /healthz"),
        ("X-Original-URL: /healthz", "X-Rewrite-URL: /healthz"),
        ("Authorization:",),
        ("Authorization: Bearer",),
        ("Authorization: Bearer .",),
        ("Authorization: Bearer ' OR 1=1 -- .x",),
        ("Authorization: Bearer 0000000000000000.%00",),
        ("Authorization: Basic {token}",),
        ("Authorization: Bearer {token}", "Authorization: Bearer {token}"),
        ("Authorization: Bearer {token},Bearer {token}",),
        ("Authorization: Bearer {token}x",),
        ("Proxy-Authorization: Bearer {token}",),
        ("Cookie: Authorization=Bearer {token}",),
    ],
)
def test_headers_open_no_door(api: ApiService, key: ApiKey, headers: tuple[str, ...]) -> None:
    said = [header.replace("{token}", key.token) for header in headers]
    assert ask(api, "GET /v1/stats", *said).status == 401
    assert ask(api, "GET /v1/stats", f"Authorization: Bearer {key.token}").status == 200


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /v1", "PATH_INFO: /healthz", "Script-Name: /v1"])
def test_no_header_changes_the_path(api: ApiService, key: ApiKey, header: str) -> None:
    answer = ask(api, "GET /v1/stats", header, f"Authorization: Bearer {key.token}")
    assert b"senders" in answer.body


@pytest.mark.parametrize(
    "line",
    [
        "GET http://localhost/v1/stats",
        "GET http://localhost:1/v1/stats",
        "GET /v1/stats?/healthz",
        "GET /v1/stats;/healthz",
        "GET /v1/stats%00",
        "GET /v1/stats%2f",
        "GET /%76%31/stats",
        "GET /healthz/../v1/stats",
        "GET /docs/../v1/stats",
        "GET /healthz/%2e%2e/v1/stats",
        "GET /V1/STATS",
        "GET //v1/stats",
        "GET //healthz",
        "GET /%2fhealthz",
        "OPTIONS /v1/stats",
        "TRACE /v1/stats",
        "PROPFIND /v1/stats",
        "POST /healthz",
    ],
)
def test_forms_of_a_target_open_no_door(api: ApiService, key: ApiKey, line: str) -> None:
    assert key
    answer = ask(api, line)
    # A file of the documentation that does not exist, and a method that an open path has not.
    expected = {"GET /docs/../v1/stats": 404, "POST /healthz": 401}.get(line, 401)
    assert answer.status == expected
    assert b"senders" not in answer.body


@pytest.mark.parametrize(
    "header",
    ["X-HTTP-Method-Override: GET", "X-HTTP-Method: GET", "X-Method-Override: GET", "A: b"],
)
def test_a_key_that_reads_does_not_write(api: ApiService, key: ApiKey, header: str) -> None:
    for line in ("POST /v1/campaigns?_method=GET", "DELETE /v1/recipients/13961467500"):
        assert ask(api, line, f"Authorization: Bearer {key.token}", header).status == 403


def test_a_head_tells_no_more_than_a_get(api: ApiService, key: ApiKey) -> None:
    assert key
    assert requests.head(f"{api.url}/v1/stats", timeout=10).status_code == 401


def test_one_request_hides_no_other(api: ApiService, key: ApiKey) -> None:
    hidden = "GET /v1/stats HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection = RawConnection(api.url, timeout=15)
    connection.send(
        f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key.token}\r\n"
        f"Content-Length: {len(hidden)}\r\n\r\n{hidden}".encode()
    )
    assert connection.answer().status == 200
    connection.send(b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert connection.answer().status == 401


HIDDEN = "GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("POST /v1/campaigns", JSON), id="no key"),
        pytest.param(("POST /v1/campaigns", JSON, "Authorization: Bearer x"), id="no such key"),
        pytest.param(("POST /v1/campaigns", JSON, "{reader}"), id="no scope"),
        pytest.param(("POST /v1/recipient-lists", "Content-Type: text/csv"), id="upload, no key"),
        pytest.param(("POST /v1/recipient-lists", "{reader}"), id="upload, no scope"),
        pytest.param(("POST /v1/camp/create", JSON, "{reader}"), id="original, no scope"),
        pytest.param(("POST /v1/nothing", JSON, "{reader}"), id="no such path"),
        pytest.param(("DELETE /v1/recipients/13961467500", "{reader}"), id="delete"),
        pytest.param(("GET /healthz",), id="open to all"),
        pytest.param(("GET /readyz",), id="readiness"),
        pytest.param(("GET /docs/swagger-ui.css",), id="a page"),
        pytest.param(("GET /v1/stats", "{reader}"), id="a body of a GET"),
        pytest.param(("POST /v1/campaigns/5/preview", JSON, "{reader}"), id="no such campaign"),
        pytest.param(("POST /v1/campaigns", JSON, "Expect: 100-continue"), id="not invited"),
        pytest.param(("HEAD /healthz",), id="a head"),
        pytest.param(("OPTIONS /v1/stats", "{reader}"), id="options"),
    ],
)
@pytest.mark.parametrize("chunks", [False, True], ids=["length", "chunks"])
def test_a_body_that_is_not_read_hides_no_request(
    api: ApiService, key: ApiKey, lines: tuple[str, ...], chunks: bool
) -> None:
    """The body of a request that is refused before it must not be read as the next request."""
    line, *headers = lines
    shown = [each.replace("{reader}", f"Authorization: Bearer {key.token}") for each in headers]
    hidden = HIDDEN.replace("{token}", key.token)
    framing = "Transfer-Encoding: chunked" if chunks else f"Content-Length: {len(hidden)}"
    body = f"{len(hidden):x}\r\n{hidden}\r\n0\r\n\r\n" if chunks else hidden
    begin = "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *shown, framing, "", ""])
    last = "GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    connection = RawConnection(api.url, timeout=15)
    received = connection.exchange(f"{begin}{body}{last}".encode())
    connection.close()
    assert b"senders" not in received or "GET /v1/stats" in line
    # One answer, or two: the second to the request that follows, where the connection serves on.
    statuses = re.findall(rb"(?:^|\n)HTTP/1\.1 (\d\d\d)", received)
    assert len(statuses) == 1 or statuses[1:] == [b"401"], received


def test_a_revoked_key_is_refused_by_every_worker(dsn: str, pool: Database, tmp_path: Path) -> None:
    revoked, kept = make_key(pool, Scope.READ), make_key(pool, Scope.READ)
    with running_api(write_configuration(tmp_path, dsn, Workers=2)) as api:

        def statuses(key: ApiKey) -> set[int]:
            """Ask over new connections, which both workers get some of."""
            with ThreadPoolExecutor(8) as clients:
                bearer = f"Authorization: Bearer {key.token}"
                return set(
                    clients.map(lambda _: ask(api, "GET /v1/campaigns", bearer).status, range(24))
                )

        assert statuses(revoked) == {200}
        pool.run(lambda cursor: revoke_key(cursor, revoked.id))
        wait_until(lambda: statuses(revoked) == {401}, timeout=15)
        assert statuses(kept) == {200}
