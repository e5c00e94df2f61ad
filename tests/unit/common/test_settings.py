from pathlib import Path

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import (
    Distribution,
    RetryPolicy,
    RetrySettings,
    Settings,
    load_settings,
)
from campaign_common.settings.declaration import declared_keys
from tests.support.sample import SAMPLE

DEPLOYED = Path(__file__).parents[3] / "deploy" / "campmgr.yaml"


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE)
    return path


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings(path, {})
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_the_original_file_loads_unchanged(configuration: Path) -> None:
    settings = load_settings(configuration, {})
    assert (settings.name, settings.host, settings.port) == ("camp-mgr", "0.0.0.0", 10001)  # noqa: S104
    assert settings.timeout == 120.0
    mysql = settings.mysql
    assert (mysql.dsn.user, mysql.dsn.password, mysql.dsn.address) == (
        "root",
        "123456",
        "127.0.0.1:3306",
    )
    assert (mysql.active, mysql.idle, mysql.idle_timeout) == (64, 64, 14400.0)
    assert (mysql.query_timeout, mysql.exec_timeout, mysql.tran_timeout) == (5.0, 5.0, 5.0)
    assert settings.sync_client.topic == "Sync-Msg-T"
    assert settings.sync_client.brokers == ("127.0.0.1:9092",)
    assert settings.send_client.topics == ("Sync-Msg-T",)
    assert settings.send_client.group == "Msg-Consumer-G"
    assert settings.msg_table_sharding_size == 8
    assert settings.notes == ()


def test_the_deployed_file_shows_every_key_with_its_default(configuration: Path) -> None:
    assert load_settings(DEPLOYED, {}) == load_settings(configuration, {})


def test_the_deployed_file_leaves_no_key_out() -> None:
    text = DEPLOYED.read_text()
    for _, declared in declared_keys(Settings):
        assert f"\n{declared.name}:" in text


def test_sections_of_their_own_load(tmp_path: Path) -> None:
    path = tmp_path / "more.yaml"
    path.write_text(
        f"""{SAMPLE}
CsvRoot: /srv/csv
Delivery: at_most_once
Simulated:
  Seed: 7
  Latency: {{Distribution: lognormal, Mean: 20ms, Spread: 5ms}}
  FailureRates: {{permanent: 0.25}}
KafkaProperties:
  security.protocol: SASL_SSL
  enable.ssl.certificate.verification: false
"""
    )
    settings = load_settings(path, {})
    assert settings.csv_root == Path("/srv/csv")
    assert settings.delivery == "at_most_once"
    assert settings.simulated.latency.distribution is Distribution.LOGNORMAL
    assert settings.simulated.latency.mean == pytest.approx(0.02)
    assert dict(settings.simulated.failure_rates) == {"permanent": 0.25}
    assert dict(settings.kafka_properties) == {
        "security.protocol": "SASL_SSL",
        "enable.ssl.certificate.verification": "false",
    }


@pytest.mark.parametrize(
    ("original", "changed", "complaint"),
    [
        ("Active", "Actve", ": Mysql.Actve: unknown key; did you mean Active?"),
        ("Name", "Zzz", ": Zzz: unknown key; expected one of Api, "),
        ("Port: 10001", "Port: x", ": Port: 'x': expected an integer from 0 to 65535"),
        ("Port: 10001", "Port: '10001'", ": Port: '10001': expected an integer"),
        ("Port: 10001", "Port: 1.5", ": Port: 1.5: expected an integer"),
        ("Port: 10001", "Port: yes", ": Port: True: expected an integer"),
        ("Port: 10001", "Port:", ": Port: None: expected an integer"),
        ("Timeout: 120000", "Timeout: 4h", ": Timeout: '4h': expected milliseconds"),
        ("4h", "4", ": Mysql.IdleTimeout: 4: expected a duration from 1s to"),
        ("Active: 64", "Active: 0", ": Mysql.Active: 0: expected an integer from 1 to 10000"),
        ("Size: 8", "Size: 257", ": MsgTableShardingSize: 257: expected an integer from 1 to 256"),
        ("/camp?", "/?", ": Mysql.DSN: root:***@tcp(127.0.0.1:3306)/?&parseTime=true"),
        ("@tcp(", "@tpc(", ": Mysql.DSN: ***: expected user:password@tcp"),
        ("Group: ", "Group: 5 #", ": SendClient.Group: 5: expected text"),
        ('- "Sync-Msg-T"', "- Other", ": SendClient.Topics: ['Other']: expected exactly the topic"),
        ("SyncClient:", "SyncClient: 3\nX:", ": X: unknown key"),
        ("Size: 8", "Size: 8\nRetry:", ": Retry: None: expected a section of keys"),
        ("Size: 8", "Size: 8\nRetry: {BackoffBase: 1h}", ": Retry.BackoffBase: '1h': expected"),
        (
            "Size: 8",
            "Size: 8\nRetry: {Classes: {ambiguous: {MaxAttempts: 0}}}",
            ": Retry.Classes.ambiguous.MaxAttempts: 0: expected an integer from 1 to 1000",
        ),
        (
            "Size: 8",
            "Size: 8\nRetry: {Classes: {ambiguos: {MaxAttempts: 1}}}",
            ": Retry.Classes.ambiguos: unknown key; did you mean ambiguous?",
        ),
        (
            "Size: 8",
            "Size: 8\nRetry: {Classes: {throttled: {MaxAttempts: 1}}}",
            ": Retry.Classes.throttled.MaxAttempts: unknown key; expected one of BackoffBase",
        ),
        (
            "Size: 8",
            "Size: 8\nRetry: {BackoffBase: 2s, Classes: {retryable: {BackoffMax: 1s}}}",
            ": Retry.Classes.retryable.BackoffMax: '1s': expected BackoffBase at most as long",
        ),
        ("Size: 8", "Size: 8\nHealthPort: -1", ": HealthPort: -1: expected an integer from 0"),
        ("Size: 8", "Size: 8\nDelivery: once", ": Delivery: 'once': expected one of at_least_once"),
        (
            "Size: 8",
            "Size: 8\nSimulated: {FailureRates: {permanent: .6, throttled: .6}}",
            "add up to 1 at most",
        ),
        (
            "Size: 8",
            "Size: 8\nKafkaProperties: {sasl.password: hidden, acks: 0}",
            ": KafkaProperties.acks: ***: expected one of security.*",
        ),
        ("Size: 8", "Size: 8\nPort: 1", "expected each key once, found 'Port' again"),
        ("Name: camp-mgr", "Name: [", "expected YAML"),
    ],
)
def test_a_wrong_file_is_one_line_with_key_value_and_expectation(
    tmp_path: Path, original: str, changed: str, complaint: str
) -> None:
    assert original in SAMPLE
    message = refusal(tmp_path, SAMPLE.replace(original, changed, 1))
    assert complaint in message
    assert "123456" not in message
    assert "hidden" not in message


def test_an_error_class_overrides_only_the_keys_it_names(tmp_path: Path) -> None:
    """An error class is retried as the others but for what it names."""
    path = tmp_path / "more.yaml"
    path.write_text(
        f"""{SAMPLE}
Retry:
  MaxAttempts: 7
  BackoffMax: 1m
  Classes:
    ambiguous: {{MaxAttempts: 2, BackoffBase: 30s, ReceiptWait: 5s}}
    throttled: {{MaxAge: 6h}}
"""
    )
    retry = load_settings(path, {"CAMP__RETRY__CLASSES__THROTTLED__BACKOFFBASE": "10s"}).retry
    assert retry.of("ambiguous") == RetryPolicy(
        max_attempts=2, backoff_base=30.0, backoff_max=60.0, max_age=86_400.0
    )
    assert (retry.receipt_wait, RetrySettings().receipt_wait) == (5.0, 60.0)
    assert retry.of("throttled") == RetryPolicy(
        max_attempts=7, backoff_base=10.0, backoff_max=60.0, max_age=21_600.0
    )
    assert retry.of("retryable") == RetryPolicy(max_attempts=7, backoff_max=60.0)


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    assert ": Mysql: the key is missing; expected a section of keys" in refusal(tmp_path, "")


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml: expected a readable file"):
        load_settings(tmp_path / "nowhere.yaml", {})


def test_the_dsn_wins_over_addr_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(SAMPLE.replace("Addr: 127.0.0.1:3306", "Addr: other:3306"))
    settings = load_settings(path, {})
    assert settings.mysql.dsn.address == "127.0.0.1:3306"
    assert settings.notes == ("Mysql.Addr other:3306 is not used: Mysql.DSN names 127.0.0.1:3306",)


def test_the_file_is_chosen_by_option_then_variable_then_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("option", "variable"):
        (tmp_path / name).write_text(SAMPLE.replace("camp-mgr", name))
    (tmp_path / "campmgr.yaml").write_text(SAMPLE.replace("camp-mgr", "folder"))
    monkeypatch.chdir(tmp_path)
    variable = {"CAMP_CONFIG": str(tmp_path / "variable")}
    assert load_settings(tmp_path / "option", variable).name == "option"
    assert load_settings(None, variable).name == "variable"
    assert load_settings(None, {}).name == "folder"


@pytest.mark.parametrize(
    "given",
    [
        {"Mysql": "root:hunter2@tcp(db:3306)/camp"},
        {"Http": "Bearer hunter2"},
        {"MysqlShards": {"DSN": "root:hunter2@tcp(db:3306)/camp"}},
        {"MysqlShards": ["root:hunter2@tcp(db:3306)/camp"]},
        {"KafkaProperties": "sasl.password=hunter2"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_text_in_place_of_a_section_is_not_shown(tmp_path: Path, given: dict[str, object]) -> None:
    said = refusal(tmp_path, yaml.safe_dump(yaml.safe_load(SAMPLE) | given))
    assert next(iter(given)) in said
    assert "hunter2" not in said
