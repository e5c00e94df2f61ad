"""Callbacks that can not be used end the API before it serves anything."""

from pathlib import Path

from tests.support.services.api_service import run_program, write_configuration

CALLBACKS = {
    "BaseUrl": "https://camp.example.com",
    "Secrets": [{"Value": "secret-of-references"}],
}


def test_a_wrong_mapping_ends_the_api(tmp_path: Path) -> None:
    """The log names file, key and what is wrong."""
    provider = {
        "Preset": "kannel",
        "Url": "http://kannel.example.com/cgi-bin/sendsms",
        "Secrets": {"username": {"Value": "a"}, "password": {"Value": "b"}},
        "Callbacks": {"Mapping": {"Receipts": {"Body": "query"}}},
    }
    configuration = write_configuration(
        tmp_path, "camp@tcp(127.0.0.1:1)/camp", Callbacks=CALLBACKS, Providers={"gate": provider}
    )
    ended = run_program("campaign-api", "-c", configuration)
    assert ended.returncode == 1
    place = f"{configuration}: Providers.gate.Callbacks.Mapping: mapping of callbacks"
    assert f"{place}: Object missing required field `Status`" in ended.stderr
