"""The registry has a client and a check of every kind, and takes no kind for another one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import yaml

from campaign_common.settings import HttpProviderSettings, Settings, load_settings
from campaign_common.settings.sections.providers.map import KINDS
from campaign_common.settings.sections.providers.named import ProviderSettings
from campaign_providers.http import HttpCheck
from campaign_providers.registry import configured_providers, provider_checks
from campaign_providers.simulated import SimulatedCheck

DOCUMENTS = {
    "http": {"Kind": "http", "Url": "https://gateway.example/"},
    "simulated": {"Kind": "simulated"},
}
CHECKS = {"http": HttpCheck, "simulated": SimulatedCheck}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "campmgr.yaml"
    dsn = "camp:secret@tcp(localhost:3306)/camp"
    brokers = {"Brokers": ["localhost:9092"]}
    document = {
        "Mysql": {"DSN": dsn},
        "SyncClient": {**brokers, "Topic": "messages"},
        "SendClient": {**brokers, "Group": "senders"},
        "Providers": DOCUMENTS,
    }
    file.write_text(yaml.safe_dump(document))
    return load_settings(file, {})


def test_every_kind_is_known_here() -> None:
    assert set(KINDS) == set(DOCUMENTS) == set(CHECKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_has_client_and_check_of_its_kind(kind: str, settings: Settings) -> None:
    assert kind in configured_providers(settings)
    assert isinstance(provider_checks(settings)[kind], CHECKS[kind])


@pytest.mark.parametrize("make", [configured_providers, provider_checks])
def test_a_kind_that_is_not_named_is_refused(
    make: Callable[[Settings], Mapping[str, object]], settings: Settings
) -> None:
    """It would be simulated otherwise: nothing is sent, and success is reported."""
    unknown = cast("HttpProviderSettings", ProviderSettings())
    with pytest.raises(AssertionError, match="ProviderSettings"):
        make(replace(settings, providers={"new": unknown}))
