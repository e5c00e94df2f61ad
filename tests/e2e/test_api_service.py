import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from campaign_common.database import Database, named_lock
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.support.services.api_service import (
    REQUEST,
    SHARDS,
    ApiService,
    free_port,
    make_schema,
    run_program,
    running_api,
    wait_until,
    write_configuration,
)

CAMPAIGN = REQUEST["campaign_id"]
LOCK = f"campaign {CAMPAIGN}"


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def configuration(tmp_path: Path, database: str) -> Path:
    path = write_configuration(tmp_path, database)
    make_schema(path)
    return path


@pytest.fixture
def api(configuration: Path) -> Iterator[ApiService]:
    with running_api(configuration) as service:
        yield service


@pytest.fixture
def pool(database: str) -> Iterator[Database]:
    pool = Database(MysqlSettings(dsn=parse_dsn(database)))
    yield pool
    pool.close()


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def write_recipients(configuration: Path, count: int) -> None:
    lines = (f"user{n},{13961467500 + n}\n" for n in range(count))
    (configuration.parent / "csv" / "recipients.csv").write_text("".join(lines))


def rows(pool: Database, sql: str) -> list[tuple[Any, ...]]:
    with pool.reading() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def lists_begun(pool: Database) -> int:
    """Number of lists that hold their first batch."""
    ((begun,),) = rows(pool, "SELECT COUNT(*) FROM recipients WHERE seq = 5000")
    return int(begun)


def waits_for_the_lock(pool: Database) -> bool:
    waiting = "SELECT 1 FROM information_schema.PROCESSLIST WHERE LOWER(STATE) LIKE '%user lock%'"
    return bool(rows(pool, waiting))


def test_an_import_killed_half_way_is_completed_by_a_repeat(
    configuration: Path, api: ApiService, pool: Database, background: ThreadPoolExecutor
) -> None:
    """Worker killed in mid import leaves no campaign and the repeat completes."""
    write_recipients(configuration, 100_000)
    for killed in range(2):
        request = background.submit(api.create)
        wait_until(lambda begun=killed + 1: lists_begun(pool) == begun)  # type: ignore[misc]
        for worker in api.workers():
            worker.kill()
        with pytest.raises(requests.ConnectionError):
            request.result()
        assert rows(pool, "SELECT 1 FROM campaigns") == []
    wait_until(api.answers)

    assert api.create().json() == {"code": 0, "msg": "success"}
    ((accepted, n),) = rows(
        pool,
        "SELECT accepted, (SELECT COUNT(*) FROM recipients r WHERE r.list_id = l.id)"
        " FROM campaigns c JOIN recipient_lists l ON l.id = c.list_id AND l.state = 'ready'",
    )
    assert accepted == n == 100_000

    with pool.transaction() as cursor:
        cursor.execute(
            "UPDATE recipient_lists SET progressed_at = progressed_at - INTERVAL 11 MINUTE"
        )
    for worker in api.workers():  # the new ones sweep when they start
        worker.kill()
    wait_until(lambda: len(rows(pool, "SELECT 1 FROM recipient_lists")) == 1)
    assert rows(pool, "SELECT COUNT(*) FROM recipients") == [(100_000,)]


def hold_a_request(
    configuration: Path, api: ApiService, pool: Database, background: ThreadPoolExecutor
) -> "Future[requests.Response]":
    """Send a request that waits for as long as the caller holds the campaign's lock."""
    write_recipients(configuration, 5_000)  # small files are imported without it
    request = background.submit(api.create)
    wait_until(lambda: waits_for_the_lock(pool))
    return request


def test_sigterm_lets_the_running_request_end_and_exits_0(
    configuration: Path, api: ApiService, pool: Database, background: ThreadPoolExecutor
) -> None:
    with named_lock(pool, LOCK, wait=5):
        request = hold_a_request(configuration, api, pool, background)
        api.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not api.answers())
        assert api.process.poll() is None
    assert request.result().json() == {"code": 0, "msg": "success"}
    assert api.process.wait(10) == 0


def test_second_sigterm_is_immediate(
    configuration: Path, api: ApiService, pool: Database, background: ThreadPoolExecutor
) -> None:
    with named_lock(pool, LOCK, wait=5):
        request = hold_a_request(configuration, api, pool, background)
        api.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not api.answers())
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(10) == 0
        with pytest.raises(requests.ConnectionError):
            request.result()


def test_logs_are_json_without_phone_numbers(configuration: Path, api: ApiService) -> None:
    write_recipients(configuration, 10)
    assert api.create(csv_file_path="13961467500.csv").status_code == 400
    assert api.create().status_code == 200
    lines = api.log.read_text().splitlines()
    assert lines
    assert all(yaml.safe_load(line)["service"] == "api" for line in lines)
    assert not any("1396146" in line for line in lines)


def test_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    configuration = write_configuration(tmp_path, "root@tcp(127.0.0.1:1)/camp")
    port = yaml.safe_load(configuration.read_text())["Port"]
    with socket.create_server(("127.0.0.1", port)):
        ended = run_program("campaign-api", "-c", configuration)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"port {port} is taken" in ended.stderr


def test_wrong_configuration_is_one_clear_line(tmp_path: Path) -> None:
    configuration = write_configuration(tmp_path, "root@tcp(127.0.0.1:1)/camp", Port="many")
    ended = run_program("campaign-api", "-c", configuration)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "Port" in ended.stderr


def test_service_without_database_starts_and_says_so(tmp_path: Path) -> None:
    dsn = f"root:secret@tcp(127.0.0.1:{free_port()})/camp"
    configuration = write_configuration(tmp_path, dsn)
    write_recipients(configuration, 1)
    with running_api(configuration) as api:
        assert requests.get(f"{api.url}/readyz", timeout=10).status_code == 503
        answer = api.create()
        assert (answer.status_code, answer.json()["code"]) == (503, -1)
        shown = run_program("campaign", "status", "5", "--patience", "2", "-c", configuration)
        assert shown.returncode == 1
        assert "the database is unavailable" in shown.stderr
    assert "secret" not in api.log.read_text()
