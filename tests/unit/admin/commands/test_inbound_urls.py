"""campaign providers inbound-urls: what to enter at gateways, without asking any service."""

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from campaign_admin.campaign.main import main
from tests.support.sample import SAMPLE

GATEWAY: dict[str, Any] = {
    "Preset": "kannel",
    "Url": "https://gateway.example/send",
    "Secrets": {"username": {"Value": "u"}, "password": {"Value": "p"}},
}
SECRET = "secret-of-references"


def printed(folder: Path, **keys: object) -> Result:
    path = folder / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Providers": {"gate": GATEWAY}, **keys}))
    return CliRunner().invoke(main, ["providers", "inbound-urls", "-c", str(path)])


def callbacks(*secrets: dict[str, str]) -> dict[str, Any]:
    return {"BaseUrl": "https://camp.example.com", "Secrets": list(secrets)}


def test_each_url_is_printed_with_its_reference(tmp_path: Path) -> None:
    result = printed(tmp_path, Callbacks=callbacks({"Value": SECRET}))
    assert result.exit_code == 0, result.output
    name, url = result.stdout.split()
    assert (name, url[:-31]) == ("gate", "https://camp.example.com/v1/inbound/gate?m=")
    assert SECRET not in result.output


def test_without_callbacks_there_are_none(tmp_path: Path) -> None:
    result = printed(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no provider has callbacks" in result.stderr


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = printed(tmp_path, Callbacks=callbacks({"File": str(tmp_path / "none")}))
    assert result.exit_code == 2
    assert f"{tmp_path / 'campmgr.yaml'}: Callbacks.Secrets: " in result.stderr
