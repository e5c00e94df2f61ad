"""Descriptions of providers: what counts as a difference, and that no secret is in them."""

from typing import Any

import pytest

from campaign_common.settings.provider_digest import OTHER_SETTINGS, describe_provider
from tests.unit.providers.gateways import gateway

BASE: dict[str, Any] = {
    "Secrets": {"token": {"Value": "sesame"}},
    "Headers": {"Authorization": "Bearer {secret.token}"},
}


def digest(**keys: Any) -> str:  # noqa: ANN401 - of the configuration
    return describe_provider(gateway(**{**BASE, **keys}))[OTHER_SETTINGS]


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"Url": "https://other.example/"}, id="server"),
        pytest.param(
            {"Headers": {"Authorization": "{secret.token}", "X-Id": "{key}"}}, id="header"
        ),
        pytest.param({"Timeout": "2s"}, id="timeout"),
        pytest.param({"Connections": 3}, id="connections"),
        pytest.param({"Answers": {"429": "retryable"}}, id="answers"),
        pytest.param({"From": "Shop"}, id="from"),
        pytest.param({"Price": {"Currency": "EUR", "PerSegment": {"default": 0.1}}}, id="price"),
    ],
)
def test_another_setting_is_another_digest(keys: dict[str, Any]) -> None:
    assert digest(**keys) != digest()


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({}, id="the-same"),
        pytest.param({"Secrets": {"token": {"Value": "other"}}}, id="secret"),
        pytest.param({"Headers": {"Authorization": "Token {secret.token}"}}, id="text"),
        pytest.param({"CaFile": "/etc/here.pem"}, id="path"),
        pytest.param({"Limits": {"PerSecond": 9}}, id="limits"),
    ],
)
def test_secrets_paths_and_limits_are_not_in_the_digest(keys: dict[str, Any]) -> None:
    assert digest(**keys) == digest()


def test_limits_are_described_by_their_keys() -> None:
    limits = {"PerSecond": 10.50, "Ramp": [{"From": "2027-01-01", "PerDay": 5}]}
    described = describe_provider(gateway(**BASE, Limits=limits))
    assert {key: value for key, value in described.items() if key != OTHER_SETTINGS} == {
        "Limits.PerSecond": "10.5",
        "Limits.Ramp": '[{"From":"2027-01-01","PerDay":5}]',
    }
