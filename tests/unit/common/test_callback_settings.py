"""Callbacks: what the configuration of them says, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign_common.errors import SettingsError
from campaign_common.settings import (
    HttpProviderSettings,
    ProviderCallbackSettings,
    Settings,
    VerifyWay,
    load_settings,
)
from campaign_common.settings.presets import preset_document, preset_names
from tests.support.sample import SAMPLE

HIDDEN = "hidden-secret-of-16-characters"
CALLBACKS: dict[str, Any] = {
    "BaseUrl": "https://camp.example.com/",
    "Secrets": [{"Value": HIDDEN}],
}
GATEWAY: dict[str, Any] = {
    "Kind": "http",
    "Url": "https://gateway.example/send",
    "Secrets": {"token": {"Value": "hidden"}},
    "Body": {"Type": "form", "Form": {"to": "{phone}", "text": "{body}", "cb": "{callback_url}"}},
}
SECRETS = {"Secrets": ["{secret.token}"]}
PRESETS = preset_names()
URLS = {"infobip", "jasmin", "kannel"}


def load(tmp_path: Path, document: object, **environ: str) -> Settings:
    path = tmp_path / "campmgr.yaml"
    path.write_text(SAMPLE + yaml.safe_dump(document))
    return load_settings(path, environ)


def refusal(tmp_path: Path, document: object) -> str:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, document)
    message = str(error.value)
    assert "\n" not in message
    assert "hidden" not in message
    return message.removeprefix(f"{tmp_path / 'campmgr.yaml'}: ")


def with_preset(preset: str, **keys: object) -> dict[str, Any]:
    """Return the providers of a configuration with one of a preset and all of its secrets."""
    document = str(preset_document(preset))
    names = {part.partition("}")[0] for part in document.split("{secret.")[1:]}
    secrets: dict[str, object] = {name: {"Value": "hidden"} for name in names}
    url = {"Url": "https://gateway.example/send"} if preset in URLS else {}
    return {"gate": {"Preset": preset, "Secrets": secrets, **url, **keys}}


def callbacks(settings: Settings, name: str = "gate") -> ProviderCallbackSettings:
    provider = settings.providers_with_callbacks[name]
    assert provider.callbacks is not None
    return provider.callbacks


def test_there_are_no_callbacks_without_a_base_url(tmp_path: Path) -> None:
    settings = load(tmp_path, {"Providers": with_preset("twilio")})
    assert settings.callbacks.base_url is None
    assert settings.providers_with_callbacks == {}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_callbacks_once_there_is_a_url(preset: str, tmp_path: Path) -> None:
    document = {"Callbacks": CALLBACKS, "Providers": with_preset(preset)}
    settings = load(tmp_path, document)
    assert settings.callbacks.base_url == "https://camp.example.com"
    assert callbacks(settings).verify in VerifyWay
    without = {"Callbacks": CALLBACKS, "Providers": with_preset(preset, Callbacks=None)}
    assert load(tmp_path, without).providers_with_callbacks == {}


def test_keys_of_a_provider_go_over_those_of_its_preset(tmp_path: Path) -> None:
    own = {"Verify": "basic", "Users": [{"User": "a", "Password": "{secret.account_sid}"}]}
    body = {"Form": {"ref": "{reference}"}}
    providers = with_preset("twilio", Callbacks=own, Body=body)
    found = callbacks(load(tmp_path, {"Callbacks": CALLBACKS, "Providers": providers}))
    assert (found.verify, len(found.users)) == (VerifyWay.BASIC, 1)
    assert {text.secret for text in found.placeholders} == {"account_sid"}


def test_secrets_of_the_environment_are_numbered(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(HIDDEN)
    variables = {
        "CAMP__CALLBACKS__BASEURL": "https://camp.example.com",
        "CAMP__CALLBACKS__SECRETS__0__FILE": str(secret),
        "CAMP__CALLBACKPORT": "10003",
    }
    settings = load(tmp_path, {"Log": {"Level": "info"}}, **variables)
    assert settings.callbacks.secrets[0].file == secret
    assert settings.callback_port == 10003


def test_secrets_of_callbacks_alone_are_none_of_requests(tmp_path: Path) -> None:
    """A sender neither needs nor reads them."""
    for preset, needed in (("telnyx", {"api_key"}), ("twilio", {"account_sid", "auth_token"})):
        settings = load(tmp_path, {"Providers": with_preset(preset)})
        provider = settings.providers["gate"]
        assert isinstance(provider, HttpProviderSettings)
        assert set(provider.secrets_of_requests) == needed


def one(**keys: object) -> dict[str, Any]:
    """Return a configuration with one provider that has no preset."""
    return {
        "Callbacks": CALLBACKS,
        "Providers": {"gate": {**GATEWAY, "Callbacks": {"Preset": "twilio", **keys}}},
    }


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        pytest.param(
            {"Callbacks": {"BaseUrl": "https://camp.example.com"}},
            "Callbacks.Secrets: expected a secret with BaseUrl",
            id="no secret",
        ),
        pytest.param(
            {"Callbacks": {"Secrets": CALLBACKS["Secrets"]}},
            "Callbacks.BaseUrl: the key is missing",
            id="no url",
        ),
        pytest.param(
            {"Callbacks": {**CALLBACKS, "BaseUrl": "https://user@camp.example.com"}},
            "Callbacks.BaseUrl: 'https://user@camp.example.com': expected a URL such as",
            id="url with user",
        ),
        pytest.param(
            {"Callbacks": {**CALLBACKS, "BaseUrl": "https://camp.example.com?a=b"}},
            "no user, no ?, no # and no %",
            id="url with query",
        ),
        pytest.param(
            {"Callbacks": {**CALLBACKS, "Secrets": [{"Value": "hidden-15-chars"}]}},
            "Callbacks.Secrets.0.Value: ***: expected at least 16 characters",
            id="short secret",
        ),
        pytest.param(
            {"Callbacks": {**CALLBACKS, "Secrets": [{"Value": HIDDEN, "File": "/a"}]}},
            "Callbacks.Secrets.0: ***: expected either File or Value",
            id="value and file",
        ),
        pytest.param(
            {
                "Callbacks": {
                    **CALLBACKS,
                    "Secrets": [{"Value": HIDDEN}, {"Value": HIDDEN, "FromCampaign": 5}],
                }
            },
            "Callbacks.Secrets.1.FromCampaign: 5: expected less than that of the secret before",
            id="secrets in a wrong order",
        ),
        pytest.param(
            one(Verify="nobody"),
            "Providers.gate.Callbacks.Verify: 'nobody': expected one of twilio, meta",
            id="unknown proof",
        ),
        pytest.param(one(), "Providers.gate.Callbacks.Verify: the key is missing", id="no proof"),
        pytest.param(
            one(Verify="twilio"),
            "Providers.gate.Callbacks.Secrets: expected a secret, which Verify twilio needs",
            id="no secret of the proof",
        ),
        pytest.param(
            one(Verify="meta", **SECRETS),
            "Providers.gate.Callbacks.VerifyTokens: expected a token",
            id="no verify token",
        ),
        pytest.param(
            one(Verify="hmac", **SECRETS),
            "Providers.gate.Callbacks.Header: expected the header",
            id="no header",
        ),
        pytest.param(
            one(Verify="basic"), "Providers.gate.Callbacks.Users: expected a user", id="no user"
        ),
        pytest.param(
            one(Verify="basic", Users=[{"User": "a", "Password": "hidden"}]),
            "Providers.gate.Callbacks.Verify: 'basic': expected {reference} in the request",
            id="no reference with basic",
        ),
        pytest.param(
            one(Verify="twilio", Secrets=["{secret.other}"]),
            "Providers.gate.Callbacks.Secrets: ***: {secret.other} is not among Secrets, which has"
            " token; expected it there for Verify twilio, or Callbacks: null",
            id="unknown secret",
        ),
        pytest.param(
            one(Verify="twilio", Secrets=["{body}"]),
            "expected one of ",
            id="a secret of the message",
        ),
        pytest.param(
            one(Verify="twilio", LongestUrl=64, **SECRETS),
            "Providers.gate.Callbacks.LongestUrl: 64: expected callback URLs of at most 64"
            " characters, and the longest one below Callbacks.BaseUrl has 85",
            id="long url",
        ),
        pytest.param(
            {
                "Callbacks": {**CALLBACKS, "BaseUrl": "https://" + "a" * 40 + ".example.com"},
                "Providers": with_preset("vonage"),
            },
            "Providers.gate.Callbacks.LongestUrl: expected callback URLs of at most 100",
            id="long url of vonage",
        ),
        pytest.param(
            {
                "Callbacks": CALLBACKS,
                "Providers": {
                    "gate": {"Preset": "telnyx", "Secrets": {"api_key": {"Value": "hidden"}}}
                },
            },
            "Providers.gate.Callbacks.Secrets: {secret.public_key} is not among Secrets, which has"
            " api_key",
            id="secret of a preset",
        ),
        pytest.param(
            {
                "Callbacks": {**CALLBACKS, "Secrets": [{"Value": HIDDEN}, {"Value": HIDDEN}]},
                "Providers": with_preset("telnyx"),
            },
            "Callbacks.Secrets.0.FromCampaign: the key is missing; provider gate is Idempotent",
            id="two secrets and keys",
        ),
        pytest.param(
            {
                "Callbacks": {**CALLBACKS, "Secrets": [{"Value": HIDDEN}, {"Value": HIDDEN}]},
                "Providers": {
                    "gate": {
                        **GATEWAY,
                        "Idempotent": True,
                        "Body": {"Type": "form", "Form": {"to": "{phone}", "text": "{body}"}},
                        "Headers": {"Idempotency-Key": "{key}"},
                    }
                },
            },
            "Callbacks.Secrets.0.FromCampaign: the key is missing; provider gate is Idempotent",
            id="two secrets for links, and keys",
        ),
        pytest.param(
            {
                "Callbacks": {**CALLBACKS, "Secrets": [{"Value": HIDDEN}, {"Value": HIDDEN}]},
                "Http": {"Url": "https://gateway.example/send", "Idempotent": True},
            },
            "Callbacks.Secrets.0.FromCampaign: the key is missing; provider http is Idempotent",
            id="two secrets for links, and http",
        ),
        pytest.param(
            one(Verify="twilio", Mapping="kannel", **SECRETS),
            "Providers.gate.Callbacks.Mapping: 'kannel': expected a mapping with Receipts",
            id="mapping of another kind",
        ),
    ],
)
def test_a_wrong_configuration_is_refused(
    document: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    assert complaint in refusal(tmp_path, document)


@pytest.mark.parametrize(
    "secrets",
    [
        pytest.param([{"Value": HIDDEN, "FromCampaign": 9}, {"Value": HIDDEN}], id="two"),
        pytest.param([{"Value": HIDDEN}], id="one"),
        pytest.param([{"Value": HIDDEN, "FromCampaign": 9}], id="the later one alone"),
    ],
)
def test_a_provider_with_keys_takes_secrets_by_campaign(
    secrets: list[dict[str, object]], tmp_path: Path
) -> None:
    document = {
        "Callbacks": {**CALLBACKS, "Secrets": secrets},
        "Providers": with_preset("telnyx"),
    }
    assert len(load(tmp_path, document).callbacks.secrets) == len(secrets)


@pytest.mark.parametrize(
    ("keys", "notes"),
    [
        pytest.param(GATEWAY, 0, id="no callbacks"),
        pytest.param(
            {**GATEWAY, "Callbacks": {"Verify": "twilio", **SECRETS}}, 1, id="of the provider"
        ),
        pytest.param(with_preset("twilio")["gate"], 0, id="of the preset"),
        pytest.param(with_preset("twilio", Callbacks=None)["gate"], 0, id="left out"),
        pytest.param(with_preset("twilio", Callbacks=SECRETS)["gate"], 1, id="over the preset"),
    ],
)
def test_callbacks_that_nothing_uses_are_noted(
    keys: dict[str, Any], notes: int, tmp_path: Path
) -> None:
    settings = load(tmp_path, {"Providers": {"gate": keys}})
    expected = "Providers.gate.Callbacks are not used: there is no Callbacks.BaseUrl"
    assert settings.notes == (expected,) * notes


def test_secrets_of_a_proof_come_from_the_environment(tmp_path: Path) -> None:
    document = {"Callbacks": CALLBACKS, "Providers": with_preset("twilio")}
    variable = {"CAMP__PROVIDERS__GATE__CALLBACKS__SECRETS": '["{secret.auth_token}", "b"]'}
    assert len(callbacks(load(tmp_path, document, **variable)).secrets) == 2
