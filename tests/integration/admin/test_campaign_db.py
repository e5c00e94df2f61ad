"""The command as an operator meets it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import pytest

from campaign_common.database import Database
from campaign_common.dsn import Dsn
from tests.integration.common.conftest import Make
from tests.support.services.processes import (
    completed,
    completed_as_installed,
    installed,
)

COMMAND = installed("campaign-db")
SHARDS = 2
ROOT = Path(__file__).parents[3]
PASSWORD = "p@ss/w:rd%s'\"\\ü"


class Operator:
    """Runs commands with one configuration, as processes."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.configuration = folder / "campmgr.yaml"
        self.configuration.write_text(
            "SyncClient: {Brokers: ['127.0.0.1:9']}\nSendClient: {Brokers: ['127.0.0.1:9']}\n"
            f"Mysql: {{DSN: 'replaced@tcp(127.0.0.1:9)/camp'}}\nMsgTableShardingSize: {SHARDS}\n"
        )
        self._environment = {**os.environ, "CAMP__MYSQL__DSN": dsn}

    def run(self, *command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it as users have it."""
        return completed_as_installed(command, {**self._environment, **environ})

    def db(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return completed(
            "campaign-db",
            [*arguments, "-c", self.configuration],
            {**self._environment, **environ},
        )


@pytest.fixture
def operator(tmp_path: Path, database: str) -> Operator:
    return Operator(tmp_path, database)


@contextmanager
def nothing_left(database: Database, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        with database.reading(timeout=30) as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"DROP USER IF EXISTS {name}")


def test_status_says_what_is_missing_until_migrate(operator: Operator) -> None:
    before = operator.db("status")
    assert before.returncode == 1
    assert "missing  messages_0" in before.stdout
    migrated = operator.db("migrate")
    assert migrated.returncode == 0
    assert "created 6 shard tables" in migrated.stdout
    assert operator.db("status").returncode == 0
    again = operator.db("migrate")
    assert (again.returncode, len(again.stdout.splitlines())) == (0, 1)


def test_the_configuration_may_stand_before_the_subcommand(operator: Operator) -> None:
    assert operator.run(COMMAND, "-c", operator.configuration, "migrate").returncode == 0


def test_a_wrong_configuration_is_one_line_and_exit_2(operator: Operator) -> None:
    failed = operator.db("migrate", CAMP__MYSQL__ACTIVE="none")
    assert failed.returncode == 2
    assert failed.stderr == (
        "environment CAMP__MYSQL__ACTIVE: Mysql.Active: 'none': "
        "expected an integer from 1 to 10000\n"
    )


@pytest.mark.parametrize("subcommand", ["migrate", "status", "create-database"])
def test_a_database_that_is_away_is_one_line_and_exit_1(
    operator: Operator, subcommand: str
) -> None:
    failed = operator.db(subcommand, CAMP__MYSQL__DSN="root:hidden@tcp(127.0.0.1:9)/camp")
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1
    assert "Can't connect" in failed.stderr
    assert "hidden" not in failed.stderr


def test_database_and_user_are_created_for_any_password(
    tmp_path: Path, dsn: Dsn, make: Make
) -> None:
    name = f"camp_{token_hex(4)}"
    administrator = {"MYSQL_ADMIN_USER": dsn.user, "MYSQL_ADMIN_PASSWORD": dsn.password}
    operator = Operator(tmp_path, f"{name}:{PASSWORD}@tcp({dsn.address})/{name}")
    with nothing_left(make(), name):
        assert operator.db("status").returncode == 1
        for _ in range(2):
            created = operator.db("create-database", **administrator)
            assert (created.returncode, created.stderr) == (0, "")
            assert PASSWORD not in created.stdout
        assert operator.db("migrate").returncode == 0


def test_the_new_user_has_rights_on_its_own_database_only(
    tmp_path: Path, dsn: Dsn, make: Make
) -> None:
    name = f"camp_{token_hex(4)}"
    similar = name.replace("_", "x", 1)  # what an unescaped _ of the name would match too
    administrator = {"MYSQL_ADMIN_USER": dsn.user, "MYSQL_ADMIN_PASSWORD": dsn.password}
    operator = Operator(tmp_path, f"{name}:secret@tcp({dsn.address})/{name}")
    with nothing_left(make(), name), nothing_left(make(), similar):
        assert operator.db("create-database", **administrator).returncode == 0
        with make().reading() as cursor:
            cursor.execute(f"CREATE DATABASE {similar}")
        elsewhere = operator.db(
            "status", CAMP__MYSQL__DSN=f"{name}:secret@tcp({dsn.address})/{similar}"
        )
        assert elsewhere.returncode == 1
        assert "Access denied" in elsewhere.stderr


def test_the_install_script_does_it_all_and_again_nothing(
    tmp_path: Path, dsn: Dsn, make: Make
) -> None:
    name = f"camp_{token_hex(4)}"
    administrator = f"{dsn.user}:{dsn.password}@tcp({dsn.address})/"
    operator = Operator(tmp_path, f"{name}:secret@tcp({dsn.address})/{name}")
    script = ROOT / "deploy" / "install_camp_db.sh"
    with nothing_left(make(), name):
        for _ in range(2):
            made = operator.run(script, "-c", operator.configuration, MYSQL_ADMIN_DSN=administrator)
            assert (made.returncode, made.stderr) == (0, "")
            assert "the schema is up to date" in made.stdout
        assert operator.db("status").returncode == 0
