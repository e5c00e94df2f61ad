"""Callbacks of providers by the configuration: secrets that change, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from campaign_common.errors import SettingsError
from campaign_common.settings.presets import preset_names
from campaign_providers.callbacks.facts import (
    Accepted,
    CallbackPurpose,
    CallbackRequest,
    RefusalReason,
    Refused,
)
from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from campaign_providers.callbacks.registry import callbacks_of, inbound_urls_of
from campaign_providers.secret_files import REFRESH_INTERVAL
from tests.unit.providers.callbacks.configurations import (
    BASE_URL,
    FIRST,
    SECOND,
    preset_provider,
    with_callbacks,
    without_callbacks,
)

KANNEL = preset_provider("kannel")


def report(secret: str, provider: str = "gate") -> CallbackRequest:
    """Return a receipt of Kannel whose reference is made with a secret."""
    signer = ReferenceSigner(provider, [secret.encode()])
    reference = signer.make(ReferencePurpose.RECEIPT, 7, 5, 1, 3)
    return CallbackRequest("GET", f"{BASE_URL}/v1/callbacks/gate?m={reference}&status=1", {})


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock by a list whose only item is the time in seconds."""
    moment = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: moment[0])
    return moment


def test_every_preset_has_callbacks(tmp_path: Path) -> None:
    providers = {name.replace("_", "-"): preset_provider(name) for name in preset_names()}
    found = callbacks_of(with_callbacks(tmp_path, Providers=providers))
    assert set(found) == set(providers)
    unsigned = CallbackRequest("POST", f"{BASE_URL}/v1/callbacks/x", {}, b"{}")
    for callbacks in found.values():
        refused = callbacks.accept(unsigned, CallbackPurpose.RECEIPTS)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.UNSIGNED


def test_there_are_none_without_callbacks(tmp_path: Path) -> None:
    assert callbacks_of(without_callbacks(tmp_path, Providers={"gate": KANNEL})) == {}
    settings = with_callbacks(tmp_path, Providers={"gate": {**KANNEL, "Callbacks": None}})
    assert callbacks_of(settings) == {}


def test_a_reference_of_the_provider_is_read(tmp_path: Path) -> None:
    callbacks = callbacks_of(with_callbacks(tmp_path, Providers={"gate": KANNEL}))["gate"]
    found = callbacks.accept(report(FIRST), CallbackPurpose.RECEIPTS)
    assert isinstance(found, Accepted)
    reference = found.receipts[0].reference
    assert reference is not None
    assert tuple(reference) == (ReferencePurpose.RECEIPT, 7, 5, 1, 3)
    others = callbacks.accept(report(FIRST, "other"), CallbackPurpose.RECEIPTS)
    assert isinstance(others, Refused)


def test_urls_for_inbound_messages_prove_what_comes_there(tmp_path: Path) -> None:
    """Where nothing else is signed there is a reference in the URL."""
    providers = {"gate": KANNEL, "bird": preset_provider("messagebird")}
    settings = with_callbacks(tmp_path, Providers=providers)
    urls = inbound_urls_of(settings)
    assert urls["bird"] == f"{BASE_URL}/v1/inbound/bird"
    url = f"{urls['gate']}&from=4917612345678&text=STOP"
    request = CallbackRequest("GET", url, {})
    found = callbacks_of(settings)["gate"].accept(request, CallbackPurpose.INBOUND)
    assert isinstance(found, Accepted)
    assert [(each.phone, each.text) for each in found.inbound] == [("4917612345678", "STOP")]


def test_every_secret_checks_references(tmp_path: Path) -> None:
    secrets = {"BaseUrl": BASE_URL, "Secrets": [{"Value": SECOND}, {"Value": FIRST}]}
    settings = with_callbacks(tmp_path, Providers={"gate": KANNEL}, Callbacks=secrets)
    callbacks = callbacks_of(settings)["gate"]
    for secret in (FIRST, SECOND):
        assert isinstance(callbacks.accept(report(secret), CallbackPurpose.RECEIPTS), Accepted)


def test_a_file_is_read_again_when_it_changes(tmp_path: Path, now: list[float]) -> None:
    """The secrets before are used further while it can not be read, or holds no secret."""
    file = tmp_path / "secret"
    file.write_text(FIRST)
    secrets = {"BaseUrl": BASE_URL, "Secrets": [{"File": str(file)}]}
    settings = with_callbacks(tmp_path, Providers={"gate": KANNEL}, Callbacks=secrets)
    callbacks = callbacks_of(settings)["gate"]

    def accepts(secret: str) -> bool:
        now[0] += REFRESH_INTERVAL
        return isinstance(callbacks.accept(report(secret), CallbackPurpose.RECEIPTS), Accepted)

    assert accepts(FIRST)
    file.write_text("short")
    assert accepts(FIRST)
    file.unlink()
    assert accepts(FIRST)
    file.write_text(SECOND)
    assert accepts(SECOND)
    assert not accepts(FIRST)


def test_a_secret_of_the_proof_is_read_again(tmp_path: Path, now: list[float]) -> None:
    file = tmp_path / "token"
    file.write_text("before")
    own = {"Verify": "basic", "Users": [{"User": "gate", "Password": "{secret.token}"}]}
    provider = preset_provider("infobip", Callbacks=own)
    provider["Secrets"]["token"] = {"File": str(file)}
    callbacks = callbacks_of(with_callbacks(tmp_path, Providers={"gate": provider}))["gate"]
    header = {"authorization": "Basic Z2F0ZTphZnRlcg=="}
    request = CallbackRequest("POST", f"{BASE_URL}/v1/callbacks/gate", header, b"{}")
    assert isinstance(callbacks.accept(request, CallbackPurpose.RECEIPTS), Refused)
    file.write_text("after")
    assert isinstance(callbacks.accept(request, CallbackPurpose.RECEIPTS), Refused)
    now[0] += REFRESH_INTERVAL
    assert isinstance(callbacks.accept(request, CallbackPurpose.RECEIPTS), Accepted)


def own(**keys: object) -> dict[str, Any]:
    """Return a provider without a preset, whose requests have a callback URL."""
    callbacks = {"Verify": "twilio", "Secrets": ["hidden"], **keys}
    form = {"to": "{phone}", "text": "{body}", "cb": "{callback_url}"}
    return {
        "Kind": "http",
        "Url": "https://gateway.example/send",
        "Body": {"Type": "form", "Form": form},
        "Callbacks": callbacks,
    }


NO_FILE = {"auth_id": {"Value": "hidden"}, "auth_token": {"File": "/nowhere"}}
RECEIPTS = {"Body": "query", "Id": "id", "Status": "status", "Words": {"sent": ["1"]}}


@pytest.mark.parametrize(
    ("provider", "complaint"),
    [
        pytest.param(
            own(Preset="nobody"), "Callbacks.Preset: 'nobody': expected one of aws_sms", id="preset"
        ),
        pytest.param(
            own(Preset="twilio", Mapping={"Receipt": RECEIPTS}),
            "Callbacks.Mapping: mapping of callbacks: Object contains unknown field `Receipt`",
            id="unknown section beside a preset",
        ),
        pytest.param(own(), "Callbacks.Mapping: expected a mapping: there is", id="no mapping"),
        pytest.param(
            own(Mapping={"Receipt": RECEIPTS}),
            "Callbacks.Mapping: mapping of callbacks: Object contains unknown field `Receipt`",
            id="unknown section",
        ),
        pytest.param(
            own(Mapping={"Receipts": {**RECEIPTS, "Words": {"gone": ["1"]}}}),
            "Callbacks.Mapping: mapping of callbacks: Invalid enum value 'gone'",
            id="unknown rank",
        ),
        pytest.param(
            own(Mapping={"Receipts": RECEIPTS}, Verify="reference"),
            "Callbacks.Mapping: mapping of callbacks: a reference that is the only proof",
            id="no reference in the url",
        ),
        pytest.param(
            own(Preset="telnyx", Verify="telnyx"),
            "Callbacks.Secrets: expected public keys of 32 bytes in base64",
            id="no public key",
        ),
        pytest.param(
            {**own(Preset="kannel", Verify="reference"), "Body": {"Type": "none"}},
            "Callbacks.Verify: 'reference': expected {callback_url} in the request",
            id="no url in the request",
        ),
        pytest.param(
            preset_provider(
                "plivo", Secrets={"auth_id": {"Value": "a"}, "auth_token": {"File": "/nowhere"}}
            ),
            "Callbacks: secret auth_token, /nowhere: No such file or directory",
            id="no file",
        ),
    ],
)
def test_what_can_not_be_used_is_refused(
    provider: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    settings = with_callbacks(tmp_path, Providers={"gate": provider})
    with pytest.raises(SettingsError) as error:
        callbacks_of(settings)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'campmgr.yaml'}: Providers.gate.{complaint}")
    assert "hidden" not in message


def test_a_short_secret_in_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("short")
    secrets = {"BaseUrl": BASE_URL, "Secrets": [{"File": str(file)}]}
    settings = with_callbacks(tmp_path, Providers={"gate": KANNEL}, Callbacks=secrets)
    with pytest.raises(SettingsError) as error:
        callbacks_of(settings)
    place = f"{tmp_path / 'campmgr.yaml'}: Callbacks.Secrets"
    assert str(error.value) == f"{place}: expected secrets of at least 16 bytes"
