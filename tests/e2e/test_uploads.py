"""Uploads over real sockets: streams, slow clients, clients that go, and more than is allowed."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.e2e.raw_http import Answer, RawConnection, chunked, exchange, head
from tests.support.services.api_service import (
    SHARDS,
    ApiService,
    make_schema,
    running_api,
    write_configuration,
)
from tests.support.waiting import wait_until

URL = "/v1/recipient-lists?name=friends"
MOST_BYTES = 3_000_000
MOST_ROWS = 100_000
MOST_IMPORTS = 4
UPLOADS = 3
"""Of these: one in four is kept for POST /v1/camp/create."""

STALL = 2.0
"""Timeout of the service, in seconds."""


@contextmanager
def serving(folder: Path, dsn: str, timeout: float) -> Iterator[ApiService]:
    limits = {
        "MaxUploadBytes": MOST_BYTES,
        "MaxUploadRows": MOST_ROWS,
        "MaxImports": MOST_IMPORTS,
    }
    milliseconds = int(timeout * 1000)
    configuration = write_configuration(folder, dsn, Workers=1, Timeout=milliseconds, Api=limits)
    make_schema(configuration)
    with running_api(configuration) as service:
        yield service


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def api(tmp_path: Path, database: str) -> Iterator[ApiService]:
    """A service with room for few and small uploads."""
    with serving(tmp_path, database, timeout=120) as service:
        yield service


@pytest.fixture
def impatient_api(tmp_path: Path, database: str) -> Iterator[ApiService]:
    with serving(tmp_path, database, timeout=STALL) as service:
        yield service


@pytest.fixture
def pool(database: str) -> Iterator[Database]:
    pool = Database(MysqlSettings(dsn=parse_dsn(database)))
    yield pool
    pool.close()


def states(pool: Database) -> list[str]:
    with pool.reading() as cursor:
        cursor.execute("SELECT state FROM recipient_lists ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def rows(count: int, first: int = 0) -> bytes:
    return b"".join(b"u%d,%d\n" % (n, 13961467500 + n) for n in range(first, first + count))


def begin(api: ApiService, length: int, content: bytes) -> RawConnection:
    """Send the head of an upload of `length` bytes, and the beginning of its content."""
    connection = RawConnection(api.url)
    connection.send(head("POST", URL, Content_Type="text/csv", Content_Length=str(length)))
    connection.send(content)
    return connection


def post(api: ApiService, content: bytes) -> Answer:
    request = head("POST", URL, Content_Type="text/csv", Content_Length=str(len(content)))
    return exchange(api.url, [request, content])


def test_chunked_upload_is_taken_as_it_comes(api: ApiService, pool: Database) -> None:
    pieces = [rows(7, n) for n in range(0, 2100, 7)]
    request = head("POST", URL, Content_Type="text/csv", Transfer_Encoding="chunked")
    answer = exchange(api.url, [request, *chunked(pieces)])
    assert (answer.status, answer.json["accepted"]) == (201, 2100)


def test_form_as_a_common_client_sends_it(api: ApiService, pool: Database) -> None:
    answer = requests.post(
        f"{api.url}/v1/recipient-lists",
        files={"file": ("people.csv", rows(20_000), "text/csv")},
        data={"name": "friends"},
        timeout=60,
    )
    assert (answer.status_code, answer.json()["accepted"]) == (201, 20_000)


def test_upload_that_stands_still_is_given_up(impatient_api: ApiService, pool: Database) -> None:
    connection = begin(impatient_api, 1_000_000, rows(12_000))
    answer = connection.answer()
    assert answer.status == 408
    assert answer.json["type"] == "urn:camp-mgr:problem:upload-stalled"
    assert states(pool) in ([], ["discarded"])


def test_slow_upload_that_moves_is_not(impatient_api: ApiService, pool: Database) -> None:
    content = rows(8)
    began = time.monotonic()
    connection = begin(impatient_api, len(content), b"")
    for n in range(0, len(content), len(content) // 8 + 1):
        time.sleep(STALL / 4)
        connection.send(content[n : n + len(content) // 8 + 1])
    assert connection.answer().status == 201
    assert time.monotonic() - began > 1.5 * STALL


@pytest.mark.parametrize("leave", [RawConnection.close, RawConnection.end])
def test_upload_of_a_client_that_goes_leaves_no_list(
    api: ApiService, pool: Database, leave: Callable[[RawConnection], None]
) -> None:
    connection = begin(api, 2_000_000, rows(60_000))
    wait_until(lambda: states(pool) == ["importing"])
    leave(connection)
    wait_until(lambda: states(pool) in ([], ["discarded"]))


def test_upload_of_a_killed_worker_is_no_list_either(api: ApiService, pool: Database) -> None:
    held = begin(api, 2_000_000, rows(60_000))
    wait_until(lambda: states(pool) == ["importing"])
    for worker in api.workers():
        worker.kill()
    wait_until(api.answers)
    with pool.transaction() as cursor:
        cursor.execute(
            "UPDATE recipient_lists SET progressed_at = progressed_at - INTERVAL 11 MINUTE"
        )
    for worker in api.workers():  # the new one sweeps when it starts
        worker.kill()
    wait_until(lambda: states(pool) == [])
    held.close()


def test_one_byte_more_than_allowed_is_refused(api: ApiService, pool: Database) -> None:
    row = b"u1,13961467500\n"
    most = row + b"\n" * (MOST_BYTES - len(row))
    assert post(api, most).status == 201
    announced = post(api, most + b"\n")
    request = head("POST", URL, Content_Type="text/csv", Transfer_Encoding="chunked")
    found_out = exchange(api.url, [request, *chunked([most, b"\n"])])
    assert (announced.status, found_out.status) == (413, 413)
    assert states(pool)[0] == "ready"
    assert set(states(pool)[1:]) <= {"discarded"}


def test_one_row_more_than_allowed_is_refused(api: ApiService, pool: Database) -> None:
    assert post(api, rows(MOST_ROWS)).json["accepted"] == MOST_ROWS
    answer = post(api, rows(MOST_ROWS + 1))
    assert answer.status == 413
    assert answer.json["detail"] == f"the file has more than {MOST_ROWS} data rows"


def test_one_upload_too_many_is_refused_and_creating_goes_on(
    api: ApiService, pool: Database
) -> None:
    """One upload more than allowed is refused and creating goes on."""
    held = [begin(api, 2_000_000, rows(60_000)) for _ in range(UPLOADS)]
    wait_until(lambda: states(pool).count("importing") == UPLOADS)
    (api.log.parent / "csv" / "recipients.csv").write_bytes(rows(10))
    with ThreadPoolExecutor() as threads:
        creating = threads.submit(api.create)
        refused = begin(api, 1_000_000, b"").answer()
        assert creating.result().json() == {"code": 0, "msg": "success"}
    assert refused.status == 429
    assert refused.json["type"] == "urn:camp-mgr:problem:too-many-requests"
    for connection in held:
        connection.close()
    wait_until(lambda: post(api, rows(1)).status == 201)
