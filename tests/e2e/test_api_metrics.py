"""The API's processes tell their metrics as one, and a dead one's present state is taken back."""

import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from local_stack.ports import free_port
from tests.support.scraping import Scrape, answers
from tests.support.servers.databases import ONE_FLAVOUR
from tests.support.services.api_service import (
    SHARDS,
    ApiService,
    make_schema,
    run_program,
    running_api,
    write_configuration,
)
from tests.support.waiting import wait_until

pytestmark = ONE_FLAVOUR

WORKERS = 3
ACTIVE = 7
HEALTH = {"method": "GET", "route": "/healthz"}
IN_USE = "campaign_database_connections_in_use"
LIMIT = "campaign_database_connections_limit"


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def configuration(
    tmp_path: Path, database: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> Path:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    mysql = {"DSN": database, "Active": ACTIVE}
    configuration = write_configuration(
        tmp_path, database, MetricsPort=port, Workers=WORKERS, Mysql=mysql
    )
    make_schema(configuration)
    return configuration


def folders(configuration: Path) -> list[Path]:
    return list((configuration.parent / "tmp").glob("campaign-metrics-*"))


def health_checks(port: int) -> float:
    return Scrape.of(port).sum("campaign_http_requests_total", **HEALTH)


def told_by_all(port: int) -> bool:
    """The limit is the sum over the workers that are alive and have told it."""
    return answers(port) and Scrape.of(port).sum(LIMIT) == WORKERS * ACTIVE


def ask_from_many_connections(service: ApiService, n: int) -> None:
    def ask() -> None:
        assert requests.get(f"{service.url}/healthz", timeout=10).ok

    threads = [threading.Thread(target=ask) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_any_worker_answers_for_all(configuration: Path, port: int) -> None:
    with running_api(configuration) as service:
        wait_until(lambda: told_by_all(port))
        before = health_checks(port)
        ask_from_many_connections(service, 60)
        assert {health_checks(port) for _ in range(20)} == {before + 60}
        (folder,) = folders(configuration)
        counting = {path.stem.rpartition("_")[2] for path in folder.glob("counter_*.db")}
        assert counting == {str(worker.pid) for worker in service.workers()}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert requests.get(f"http://127.0.0.1:{port}/other", timeout=10).status_code == 404
    assert service.process.returncode == 0
    assert folders(configuration) == []


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_ends_leaves_only_its_counts(
    configuration: Path, port: int, ending: signal.Signals
) -> None:
    """A worker that ends takes its state along and leaves its counts."""
    with running_api(configuration) as service:
        wait_until(lambda: told_by_all(port))
        ask_from_many_connections(service, 30)
        before = health_checks(port)
        victim = service.workers()[0]
        victim.send_signal(ending)
        wait_until(lambda: victim.pid not in {worker.pid for worker in service.workers()})
        wait_until(lambda: len(service.workers()) == WORKERS)
        wait_until(lambda: told_by_all(port))
        (folder,) = folders(configuration)
        assert not list(folder.glob(f"gauge_live*_{victim.pid}.db"))
        assert health_checks(port) == before
        assert Scrape.of(port).sum(IN_USE) <= WORKERS * ACTIVE


def test_a_port_that_is_taken_is_one_line(
    configuration: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_api(configuration):
        wait_until(lambda: answers(port))
        monkeypatch.setenv("CAMP__PORT", "0")
        second = run_program("campaign-api", "-c", configuration)
    assert second.returncode == 1
    assert f"MetricsPort {port}: Address already in use" in second.stderr
    assert "Traceback" not in second.stderr


def test_without_a_metrics_port_nothing_listens_or_is_kept(configuration: Path, port: int) -> None:
    """Nothing listens and nothing is kept where no port is configured."""
    configuration.write_text(configuration.read_text().replace(f"MetricsPort: {port}", ""))
    with running_api(configuration) as service:
        assert service.answers()
        assert not answers(port)
        assert folders(configuration) == []
