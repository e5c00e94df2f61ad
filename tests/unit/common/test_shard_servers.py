"""MysqlShards in the configuration: which servers hold which shards."""

from pathlib import Path

import pytest

from campaign_common.database import Databases
from campaign_common.errors import SettingsError
from campaign_common.settings import Settings, load_settings
from tests.support.sample import SAMPLE

SECOND = "camp:secret@tcp(second:3306)/camp"
SHARDS = f"""{SAMPLE}
MysqlShards:
  - DSN: {SECOND}
    Shards: [4, 6-7]
  - DSN: camp:secret@tcp(third:3306)/camp
    Shards: [5]
"""


def load(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "campmgr.yaml"
    path.write_text(text)
    return load_settings(path, environ)


def refusal(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as error:
        load(folder, text, **environ)
    assert "secret" not in str(error.value)
    return str(error.value)


def hosts(settings: Settings) -> list[str]:
    databases = Databases.configured(settings)
    return [databases.of_shard(shard).settings.dsn.host for shard in range(9)]


def test_without_the_key_every_shard_lives_on_the_main_server(tmp_path: Path) -> None:
    settings = load(tmp_path, SAMPLE)
    assert settings.mysql_shards == ()
    assert hosts(settings) == ["127.0.0.1"] * 9


def test_shards_that_no_server_names_are_on_the_main_server(tmp_path: Path) -> None:
    """Each shard lives where it is named and the others on the main server."""
    main = "127.0.0.1"
    settings = load(tmp_path, SHARDS)
    assert hosts(settings)[:4] == [main] * 4
    assert hosts(settings)[4:] == ["second", "third", "second", "second", main]


def test_every_server_has_the_settings_of_the_main_one(tmp_path: Path) -> None:
    """Every server has the connections and times of the main one."""
    settings = load(tmp_path, SHARDS.replace("Active: 64", "Active: 7"))
    assert [one.settings.active for one in Databases.configured(settings).all] == [7, 7, 7]


def test_the_environment_replaces_single_keys_of_an_item(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("camp:other@tcp(replaced:3306)/camp\n")
    settings = load(
        tmp_path,
        SHARDS,
        CAMP__MYSQLSHARDS__0__DSN_FILE=str(secret),
        CAMP__MYSQLSHARDS__1__SHARDS="0, 2-3",
    )
    assert settings.mysql_shards[0].dsn.password == "other"
    assert [one.shards for one in settings.mysql_shards] == [(4, 6, 7), (0, 2, 3)]


def test_the_environment_alone_may_name_the_servers(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        SAMPLE,
        CAMP__MYSQLSHARDS__0__DSN=SECOND,
        CAMP__MYSQLSHARDS__0__SHARDS="4-7",
    )
    assert [one.shards for one in settings.mysql_shards] == [(4, 5, 6, 7)]


@pytest.mark.parametrize(
    ("original", "changed", "complaint"),
    [
        (
            "[5]",
            "[4]",
            "MysqlShards.1.Shards: [4]: expected each shard once, 4 is on MysqlShards.0",
        ),
        ("[5]", "[5, 4-5]", "MysqlShards.1.Shards: [5, '4-5']: expected each shard once"),
        ("[5]", "[]", "MysqlShards.1.Shards: []: expected a list of shards from 0 to 255"),
        ("[5]", "[7-6]", "MysqlShards.1.Shards: ['7-6']: expected a list of shards"),
        ("[5]", "[256]", "MysqlShards.1.Shards: [256]: expected a list of shards"),
        ("[5]", "[yes]", "MysqlShards.1.Shards: [True]: expected a list of shards"),
        ("[5]", "5", "MysqlShards.1.Shards: 5: expected a list of shards"),
        ("    Shards: [5]\n", "", "MysqlShards.1.Shards: the key is missing; expected a list"),
        ("Shards: [5]", "Shard: [5]", "MysqlShards.1.Shard: unknown key; did you mean Shards?"),
        (
            "third:3306",
            "second:3306",
            "MysqlShards.1.DSN: camp:***@tcp(second:3306)/camp: expected",
        ),
        ("third:3306", "127.0.0.1:3306", "expected another database than Mysql.DSN has"),
        ("(third:3306)/camp", "(third:3306)/", "expected a database name after the /"),
    ],
)
def test_what_contradicts_itself_is_refused(
    tmp_path: Path, original: str, changed: str, complaint: str
) -> None:
    assert original in SHARDS
    before, _, after = SHARDS.rpartition(original)
    assert complaint in refusal(tmp_path, before + changed + after)


def test_two_databases_of_one_machine_are_two_servers(tmp_path: Path) -> None:
    settings = load(tmp_path, SHARDS.replace("(third:3306)/camp", "(second:3306)/other"))
    assert len(settings.mysql_shards) == 2


def test_errors_name_the_variable_of_the_environment(tmp_path: Path) -> None:
    """Errors name a wrong value by its variable of the environment."""
    assert refusal(tmp_path, SHARDS, CAMP__MYSQLSHARDS__1__SHARDS="x").startswith(
        "environment CAMP__MYSQLSHARDS__1__SHARDS: MysqlShards.1.Shards: ['x']: expected a list"
    )
    gap = refusal(tmp_path, SAMPLE, CAMP__MYSQLSHARDS__1__DSN=SECOND)
    assert "MysqlShards.0.DSN: the key is missing" in gap
    assert "no such key" in refusal(tmp_path, SHARDS, CAMP__MYSQLSHARDS__DSN=SECOND)
    assert "no such key" in refusal(tmp_path, SHARDS, CAMP__MYSQLSHARDS="x")
    assert "MysqlShards: ***: expected a list" in refusal(
        tmp_path, SAMPLE + "MysqlShards: x", CAMP__MYSQLSHARDS__0__DSN=SECOND
    )
