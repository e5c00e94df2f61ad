"""References and callback URLs of the presets: sent where there are callbacks, else nothing."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.settings import Settings
from campaign_common.settings.presets import preset_names
from campaign_providers.callbacks.message_references import references_of
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.http.requests.current_writer import WriterSource
from tests.unit.providers.callbacks.configurations import (
    BASE_URL,
    FIRST,
    preset_provider,
    with_callbacks,
    without_callbacks,
)
from tests.unit.providers.gateways import Outbound, Request, read

PRESETS = preset_names()
BEFORE: dict[str, str] = yaml.safe_load(
    Path(__file__).with_name("requests_without_callbacks.yaml").read_text()
)
MESSAGE = Outbound(body="Grüße, 5 € & more", referenced=(ReferencePurpose.RECEIPT, 7, 5, 2, 3))
KEY = MESSAGE.idempotency_key
REFERENCE = ReferenceSigner("gate", [FIRST.encode()]).make(ReferencePurpose.RECEIPT, 7, 5, 2, 3)
URL = f"{BASE_URL}/v1/callbacks/gate?m={REFERENCE}"
OF_TIME = re.compile(r"\r\n(?:X-Amz-Date|Authorization: AWS4)[^\r]*")

SENT: dict[str, dict[str, Any]] = {
    "aws_sms": {"Context": {"reference": REFERENCE}},
    "bandwidth": {"tag": REFERENCE},
    "infobip": {
        "webhooks": {
            "delivery": {"url": URL},
            "contentType": "application/json",
            "callbackData": REFERENCE,
        }
    },
    "jasmin": {"dlr": "yes", "dlr-url": URL, "dlr-level": "2", "dlr-method": "POST"},
    "kannel": {"dlr-mask": "31", "dlr-url": f"{URL}&status=%d&id=%F&answer=%A&at=%T"},
    "messagebird": {"reference": REFERENCE},
    "plivo": {"url": URL},
    "sinch": {
        "client_reference": REFERENCE,
        "callback_url": URL,
        "delivery_report": "per_recipient",
    },
    "telnyx": {"webhook_url": URL},
    "twilio": {"StatusCallback": URL},
    "vonage": {"client-ref": REFERENCE, "callback": URL},
    "whatsapp_cloud": {"biz_opaque_callback_data": REFERENCE},
}
"""Fields of a request that callbacks add or change."""

CALLBACK_DATA = {"webhooks": {"callbackData": KEY}}
CHANGED: dict[str, dict[str, Any]] = {
    "aws_sms": {"Context": {"reference": KEY}},
    "bandwidth": {"tag": KEY},
    "infobip": CALLBACK_DATA,
    "messagebird": {"reference": KEY},
    "sinch": {"client_reference": KEY},
    "vonage": {"client-ref": KEY},
    "whatsapp_cloud": {"biz_opaque_callback_data": KEY},
}
"""Those that are sent without callbacks, too."""


def request(settings: Settings, preset: str) -> bytes:
    """Write the request of a message to the provider of a configuration."""
    provider = settings.providers["gate"]
    source = WriterSource(provider, references_of(settings).get("gate"))
    return source.read().writer.write(message_of(preset))


def message_of(preset: str) -> Outbound:
    if preset != "whatsapp_cloud":
        return MESSAGE
    return Outbound(
        body="",
        template_name="order_1",
        template_language="de",
        parts=("a", "b"),
        referenced=MESSAGE.referenced,
    )


def fields(request: Request) -> dict[str, Any]:
    """Return the fields of a request; of Infobip those of the message."""
    if request.method == "GET":
        return dict(parse_qsl(urlsplit(request.path).query))
    if request.headers["content-type"] == "application/x-www-form-urlencoded":
        return dict(parse_qsl(request.body.decode("ascii")))
    document: dict[str, Any] = request.json
    return document["messages"][0] if "messages" in document else document


def providers(preset: str, **keys: object) -> dict[str, Any]:
    return {"gate": preset_provider(preset, From="Shop", **keys)}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("off", ["nowhere", "here"])
def test_without_callbacks_a_request_is_what_it_was(preset: str, off: str, tmp_path: Path) -> None:
    """Byte for byte, whether there are no callbacks at all or the provider has none."""
    if off == "nowhere":
        settings = without_callbacks(tmp_path, Providers=providers(preset))
    else:
        settings = with_callbacks(tmp_path, Providers=providers(preset, Callbacks=None))
    written = OF_TIME.sub("", request(settings, preset).decode())
    assert written == BEFORE[preset].replace("\n", "\r\n")


@pytest.mark.parametrize("preset", PRESETS)
def test_with_callbacks_it_has_what_the_gateway_returns(preset: str, tmp_path: Path) -> None:
    settings = with_callbacks(tmp_path, Providers=providers(preset))
    given = fields(read(request(settings, preset)))
    before = fields(read(BEFORE[preset].replace("\n", "\r\n").encode()))
    assert {name: before.get(name) for name in CHANGED.get(preset, {})} == CHANGED.get(preset, {})
    assert given == {**before, **SENT[preset]}


@pytest.mark.parametrize("preset", ["infobip", "sinch", "vonage"])
def test_with_a_password_the_reference_goes_alone(preset: str, tmp_path: Path) -> None:
    """A gateway that sends user and password has the URL in its own configuration."""
    users = {"Verify": "basic", "Users": [{"User": "a", "Password": "b"}]}
    settings = with_callbacks(tmp_path, Providers=providers(preset, Callbacks=users))
    written = request(settings, preset).decode()
    assert REFERENCE in written
    assert "camp.example.com" not in written
    assert "per_recipient" not in written


@pytest.mark.parametrize("preset", PRESETS)
def test_another_try_is_the_same_request(preset: str, tmp_path: Path) -> None:
    settings = with_callbacks(tmp_path, Providers=providers(preset))
    first, again = (OF_TIME.sub("", request(settings, preset).decode()) for _ in range(2))
    assert first == again
