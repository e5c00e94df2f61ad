from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest

from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.support.servers.databases import DatabaseServers
from tests.support.services.api_service import (
    SHARDS,
    ApiService,
    make_schema,
    run_program,
    running_api,
    write_configuration,
)

CREATE = ("create", "--id", "5", "--name", "game0", "--template", "hi {name}", "--csv", "a.csv")


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def configuration(tmp_path: Path, database: str) -> Path:
    path = write_configuration(tmp_path, database)
    (tmp_path / "csv" / "a.csv").write_text("Ann,13961467500\nBob,13961467501\n")
    make_schema(path)
    return path


@pytest.fixture
def api(configuration: Path) -> Iterator[ApiService]:
    with running_api(configuration) as service:
        yield service


def end_campaign(dsn: str, state: str) -> None:
    pool = Database(MysqlSettings(dsn=parse_dsn(dsn)))
    with pool.transaction() as cursor:
        cursor.execute("UPDATE campaigns SET state = %s, total = 2, started_at = NOW(6)", (state,))
        cursor.execute("INSERT INTO campaign_counters VALUES (5, 0, 1, 2)")
    pool.close()


@pytest.mark.parametrize(("state", "exit_code"), [("finished", 0), ("cancelled", 3)])
def test_campaign_is_created_shown_and_watched_to_its_end(
    configuration: Path, api: ApiService, database: str, state: str, exit_code: int
) -> None:
    for _ in range(2):  # again changes nothing
        created = run_program("campaign", *CREATE, "--at", "now", "-c", configuration)
        assert (created.returncode, created.stderr) == (0, "")
    shown = run_program("campaign", "-c", configuration, "status", "5")
    assert shown.returncode == 0
    assert "scheduled" in shown.stdout
    end_campaign(database, state)
    watched = run_program("campaign", "watch", "5", "--url", api.url)
    assert watched.returncode == exit_code
    assert f"{state} 2 of 2" in watched.stdout


def test_refusals_are_one_line_and_an_exit_code(configuration: Path, api: ApiService) -> None:
    missing = run_program("campaign", "--url", api.url, *CREATE[:-1], "missing.csv")
    assert missing.returncode == 5
    assert missing.stderr.count("\n") == 1
    assert "missing.csv" in missing.stderr
    assert run_program("campaign", "status", "6", "--url", api.url).returncode == 6


@pytest.mark.parametrize("moment", ["tomorrow", "2027-01-31T09:00:00"])
def test_time_that_nobody_could_mean_is_refused(moment: str) -> None:
    ended = run_program("campaign", *CREATE, "--at", moment)
    assert ended.returncode == 2
    assert moment in ended.stderr


def test_absent_service_is_one_clear_line(tmp_path: Path) -> None:
    configuration = write_configuration(tmp_path, "root@tcp(127.0.0.1:1)/camp")
    ended = run_program("campaign", "status", "5", "-c", configuration)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "is campaign-api running?" in ended.stderr


@pytest.mark.parametrize("above", [True, False], ids=["the data's parent", "within the data"])
def test_a_csv_root_with_the_databases_data_is_refused(
    tmp_path: Path, database_servers: DatabaseServers, above: bool
) -> None:
    """Its redo log was once imported as a list."""
    dsn = database_servers.get("mariadb").dsn
    server = parse_dsn(dsn)
    with pymysql.connect(
        host=server.host, port=server.port, user=server.user, password=server.password
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@datadir")
        (folder,) = cursor.fetchone() or ("",)
    root = Path(str(folder)).parent if above else Path(str(folder)) / "mysql"
    ended = run_program("campaign-api", "-c", write_configuration(tmp_path, dsn, CsvRoot=str(root)))
    assert ended.returncode != 0
    assert "data folder" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
