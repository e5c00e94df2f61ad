"""CsvRoot at the start of the service: apart from its secrets and its database's data."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from campaign_api.lists.private_files import private_files, require_apart
from campaign_common.dsn import parse_dsn
from campaign_common.errors import UserError
from campaign_common.settings import (
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
    load_settings,
)
from tests.support.sample import SAMPLE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    root = tmp_path / "lists"
    root.mkdir()
    return Settings(
        mysql=MysqlSettings(dsn=parse_dsn("root@tcp(127.0.0.1:1)/camp")),
        sync_client=SyncClientSettings(brokers=("unused:9092",)),
        send_client=SendClientSettings(brokers=("unused:9092",)),
        csv_root=root,
        sources=(tmp_path / "campmgr.yaml", tmp_path / "secrets" / "dsn"),
    )


def test_a_folder_of_its_own_is_in_order(settings: Settings) -> None:
    assert require_apart(settings, ()) == []


def test_the_configuration_beside_the_lists_is_noted(settings: Settings, tmp_path: Path) -> None:
    """So it is with the original system's file, where CsvRoot is the working folder."""
    (note,) = require_apart(
        replace(settings, csv_root=tmp_path, sources=(tmp_path / "campmgr.yaml",)), ()
    )
    assert "campmgr.yaml lies below CsvRoot" in note


def test_a_secret_among_the_lists_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="secret"):
        require_apart(replace(settings, csv_root=tmp_path), ())
    key = {"ssl.key.location": str(settings.csv_root / "key.pem")}
    with pytest.raises(UserError, match=r"key\.pem"):
        require_apart(replace(settings, kafka_properties=key), ())


def test_files_of_the_configuration_are_known(tmp_path: Path) -> None:
    """The file itself, and each that a variable ending in _FILE names."""
    configuration, dsn = tmp_path / "campmgr.yaml", tmp_path / "dsn"
    configuration.write_text("SyncClient: {Brokers: [b:1]}\nSendClient: {Brokers: [b:1]}\n")
    dsn.write_text("root@tcp(127.0.0.1:1)/camp\n")
    loaded = load_settings(configuration, {"CAMP__MYSQL__DSN_FILE": str(dsn)})
    assert private_files(loaded) == (configuration, dsn)


def test_secrets_of_callbacks_are_known(tmp_path: Path) -> None:
    """Those that this service reads; a sender's are none of them."""
    names = ("references", "token", "sid")
    references, token, sid = (str(tmp_path / name) for name in names)
    provider = {
        "Preset": "twilio",
        "Secrets": {"account_sid": {"File": sid}, "auth_token": {"File": token}},
    }
    callbacks = {"BaseUrl": "https://camp.example.com", "Secrets": [{"File": references}]}
    configuration = tmp_path / "campmgr.yaml"
    configuration.write_text(
        SAMPLE + yaml.safe_dump({"Callbacks": callbacks, "Providers": {"gate": provider}})
    )
    found = private_files(load_settings(configuration, {}))
    assert found == (configuration, Path(references), Path(token))
