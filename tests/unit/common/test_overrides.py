from pathlib import Path

import pytest

from campaign_common.errors import SettingsError
from campaign_common.settings import Settings, load_settings
from tests.support.sample import SAMPLE


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE)
    return path


def load(configuration: Path, **environ: str) -> Settings:
    return load_settings(configuration, environ)


def refusal(configuration: Path, **environ: str) -> str:
    with pytest.raises(SettingsError) as error:
        load(configuration, **environ)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_environment_replaces_single_keys(configuration: Path) -> None:
    settings = load(
        configuration,
        CAMP__MYSQL__DSN="other:secret@tcp(db:3307)/camp",
        CAMP__MSGTABLESHARDINGSIZE="16",
        CAMP__SYNCCLIENT__BROKERS="a:9092, b:9092",
        CAMP__MYSQL__EXECTIMEOUT="7s",
        CAMP__SIMULATED__LATENCY__MEAN="2ms",
        CAMP__SIMULATED__FAILURERATES__PERMANENT="0.5",
        CAMP__NAME="12",
        camp__port="10002",
        UNRELATED="x",
    )
    assert settings.mysql.dsn.user == "other"
    assert settings.mysql.active == 64
    assert settings.msg_table_sharding_size == 16
    assert settings.sync_client.brokers == ("a:9092", "b:9092")
    assert settings.mysql.exec_timeout == 7.0
    assert settings.simulated.latency.mean == pytest.approx(0.002)
    assert dict(settings.simulated.failure_rates) == {"permanent": 0.5}
    assert settings.name == "12"
    assert settings.port == 10002


def test_a_secret_comes_from_a_file_without_its_last_newline(
    configuration: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("root: spaced @tcp(db)/camp\n")
    settings = load(configuration, CAMP__MYSQL__DSN_FILE=str(secret))
    assert settings.mysql.dsn.password == " spaced "


def test_kafka_properties_have_underscores_for_dots(configuration: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hidden\n")
    settings = load(
        configuration,
        CAMP__KAFKAPROPERTIES__SECURITY__PROTOCOL="SASL_SSL",
        CAMP__KAFKAPROPERTIES__SASL__PASSWORD_FILE=str(secret),
    )
    assert dict(settings.kafka_properties) == {
        "security.protocol": "SASL_SSL",
        "sasl.password": "hidden",
    }


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(
        None,
        {
            "CAMP__MYSQL__DSN": "u@tcp(db)/camp",
            "CAMP__SYNCCLIENT__BROKERS": "k:9092",
            "CAMP__SENDCLIENT__BROKERS": "k:9092",
        },
    )
    assert settings.sync_client.topic == "Sync-Msg-T"
    with pytest.raises(SettingsError, match=r"no -c FILE, no CAMP_CONFIG, no ./campmgr.yaml"):
        load_settings(None, {})


def test_a_variable_that_names_no_key_is_refused(configuration: Path) -> None:
    assert "CAMP__MYSQ__DSN: no such key" in refusal(configuration, CAMP__MYSQ__DSN="x")
    assert "CAMP__MYSQL: no such key" in refusal(configuration, CAMP__MYSQL="x")
    assert "CAMP__PORT__X: no such key" in refusal(configuration, CAMP__PORT__X="1")


def test_a_wrong_value_names_its_variable(configuration: Path) -> None:
    assert refusal(configuration, CAMP__PORT="x") == (
        "environment CAMP__PORT: Port: 'x': expected an integer from 0 to 65535"
    )
    wrong = refusal(configuration, CAMP__MYSQL__DSN="u:hidden@tcp(db)/")
    assert wrong.startswith("environment CAMP__MYSQL__DSN: Mysql.DSN: u:***@tcp(db)/: expected")


def test_two_variables_for_one_key_are_refused(configuration: Path, tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("root:hidden@tcp(db)/camp")
    wrong = refusal(
        configuration, CAMP__MYSQL__DSN="u@tcp(db)/camp", CAMP__MYSQL__DSN_FILE=str(secret)
    )
    assert "expected only one variable for Mysql.DSN" in wrong


def test_a_secret_file_that_is_not_there_is_named(configuration: Path) -> None:
    wrong = refusal(configuration, CAMP__MYSQL__DSN_FILE="/nowhere/dsn")
    assert "CAMP__MYSQL__DSN_FILE: /nowhere/dsn: expected a readable file" in wrong
