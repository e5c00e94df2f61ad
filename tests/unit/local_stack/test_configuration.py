from pathlib import Path

import yaml

from local_stack import run
from local_stack.configuration import Addresses, without_addresses, write_configuration


def test_no_variable_of_the_users_shell_leads_to_another_server() -> None:
    leftovers = {
        "CAMP__MYSQL__DSN": "root@tcp(production)/camp",
        "camp__mysql__dsn_file": "/run/secrets/dsn",
        "CAMP__SYNCCLIENT__BROKERS": "production:9092",
        "CAMP__SENDCLIENT__BROKERS": "production:9092",
        "CAMP__PORT": "80",
        "CAMP__HOST_FILE": "/host",
        "CAMP__CSVROOT": "/",
    }
    kept = {"CAMP__SENDER__BATCHSIZE": "100", "PATH": "/bin", "MYSQL": "x"}
    assert without_addresses({**leftovers, **kept}) == kept


def test_lists_of_make_run_lie_apart_from_its_data() -> None:
    assert not run._FOLDER.is_relative_to(run._LISTS)
    assert not run._LISTS.is_relative_to(run._FOLDER)


def test_files_with_passwords_are_their_owners(tmp_path: Path) -> None:
    """Also where an earlier version had left one that every user could read."""
    (tmp_path / "campmgr.yaml").write_text("")
    (tmp_path / "campmgr.yaml").chmod(0o644)
    properties = {"sasl.password": "secret"}
    addresses = Addresses(tmp_path, "root:x@tcp(h)/camp", "h:2", kafka_properties=properties)
    file = write_configuration(addresses, 3, tmp_path, {})
    assert file.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(file.read_text())["KafkaProperties"] == properties


def test_settings_of_a_benchmark_never_change_addresses(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path, "root@tcp(127.0.0.1:1)/camp", "127.0.0.1:2", topic="own")
    settings = {"Provider": "http", "Mysql": {"DSN": "root@tcp(production)/camp"}}
    written = yaml.safe_load(write_configuration(addresses, 3, tmp_path, settings).read_text())
    assert written["Provider"] == "http"
    assert written["Mysql"]["DSN"] == addresses.dsn
    assert written["SyncClient"]["Topic"] == "own"
    assert written["SendClient"]["Topics"] == ["own"]
