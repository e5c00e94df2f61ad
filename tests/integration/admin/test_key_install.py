"""campaign-db key install: a key that an operator chose, such as a mounted secret."""

from collections.abc import Callable
from pathlib import Path

import pytest

from campaign_common.domain.api_key import ApiKey
from tests.integration.admin.test_campaign_db import SHARDS, Operator

OPTIONS = ("--name", "first", "--scope", "admin")


@pytest.fixture
def database(migrated_schema: Callable[[int], str]) -> str:
    return migrated_schema(SHARDS)


@pytest.fixture
def operator(tmp_path: Path, database: str) -> Operator:
    return Operator(tmp_path, database)


def test_a_key_is_installed_once_however_often(operator: Operator, tmp_path: Path) -> None:
    key = ApiKey.generate()
    file = tmp_path / "key"
    file.write_text(f"{key.token}\n")
    first = operator.db("key", "install", str(file), *OPTIONS)
    again = operator.db("key", "install", str(file), *OPTIONS)
    assert (first.stdout, again.stdout) == (
        f"{key.id} is stored\n",
        f"{key.id} is there already\n",
    )
    listed = operator.db("key", "list").stdout.splitlines()
    assert len(listed) == 1
    assert listed[0].split()[:2] == [key.id, "admin"]


def test_a_revoked_key_stays_revoked(operator: Operator, tmp_path: Path) -> None:
    key = ApiKey.generate()
    file = tmp_path / "key"
    file.write_text(key.token)
    operator.db("key", "install", str(file), *OPTIONS)
    operator.db("key", "revoke", key.id)
    assert operator.db("key", "install", str(file), *OPTIONS).returncode == 0
    assert "revoked never" not in operator.db("key", "list").stdout


def test_another_secret_under_the_same_id_is_refused(operator: Operator, tmp_path: Path) -> None:
    key = ApiKey.generate()
    other = ApiKey(key.id, ApiKey.generate().secret)
    file = tmp_path / "key"
    file.write_text(key.token)
    operator.db("key", "install", str(file), *OPTIONS)
    file.write_text(other.token)
    refused = operator.db("key", "install", str(file), *OPTIONS)
    assert refused.returncode == 1
    assert other.secret not in refused.stderr + refused.stdout


@pytest.mark.parametrize("content", ["", "secret-but-no-key", "0123456789abcdef.tooshort"])
def test_what_is_no_key_is_refused_and_not_shown(
    operator: Operator, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    refused = operator.db("key", "install", str(file), *OPTIONS)
    assert refused.returncode == 1
    assert "holds no key" in refused.stderr
    assert not content or content not in refused.stderr
