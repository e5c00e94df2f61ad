"""campaign-db key, as an operator meets it."""

import re
from collections.abc import Callable
from pathlib import Path
from socket import gethostname

import pytest

from campaign_common.database import Database
from campaign_common.domain.api_key import ApiKey
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.access.api_keys import read_keys
from tests.integration.admin.test_campaign_db import SHARDS, Operator


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def operator(tmp_path: Path, database: str) -> Operator:
    return Operator(tmp_path, database)


def test_a_key_is_shown_once_and_listed_without_its_secret(
    operator: Operator, database: str
) -> None:
    """A key is shown once listed without its secret and revoked."""
    made = operator.db("key", "create", "--name", "night shift", "--scope", "write")
    assert made.returncode == 0, made.stderr
    key = ApiKey.parse(made.stdout.strip())
    assert key is not None

    pool = Database(MysqlSettings(dsn=parse_dsn(database)))
    with pool.reading() as cursor:
        (stored,) = read_keys(cursor)
        cursor.execute("SELECT created_by FROM api_keys")
        assert cursor.fetchall() == ((f"campaign-db@{gethostname()}"[:64],),)
    pool.close()
    assert (stored.id, stored.name, stored.scope) == (key.id, "night shift", "write")
    assert stored.secret_sha256 == key.digest()

    listed = operator.db("key", "list").stdout
    assert key.secret not in listed
    assert re.search(
        rf"{key.id}  write  created 20.* used never +revoked never +night shift", listed
    )

    for _ in range(2):
        assert operator.db("key", "revoke", key.id).returncode == 0
    assert re.search("revoked 20", operator.db("key", "list").stdout)


def test_revoking_what_is_no_key_says_so_without_repeating_it(operator: Operator) -> None:
    ended = operator.db("key", "revoke", "0123456789abcdef.secret")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ("--name", "", "--scope", "read"),
        ("--name", "x" * 65, "--scope", "read"),
        ("--name", "line\nbreak", "--scope", "read"),
        ("--name", "x", "--scope", "everything"),
        ("--scope", "read"),
    ],
)
def test_a_key_needs_a_name_and_a_scope(operator: Operator, wrong: tuple[str, ...]) -> None:
    assert operator.db("key", "create", *wrong).returncode == 2
    assert operator.db("key", "list").stdout == ""
