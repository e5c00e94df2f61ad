"""References on their way: out with a message, and back in a receipt of the gateway's double."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from campaign_common.settings.presets import preset_names
from campaign_providers.callbacks.facts import Accepted, CallbackPurpose, CallbackRequest
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.callbacks.registry import callbacks_of
from campaign_providers.contract import SendStatus
from tests.integration.providers.sending import Text, sending_with_callbacks
from tests.support.providers.pages import read_page
from tests.support.providers.vendors.vendor import Reported, Request

PRESETS = preset_names()
PHONE = "4915100000000"
BASE_URL = "https://camp.example.com"
SECRET = "first-secret-of-references"
OTHER = "other-secret-of-references"
CALLBACKS: dict[str, Any] = {"BaseUrl": BASE_URL, "Secrets": [{"Value": SECRET}]}
PREFIX = f"{BASE_URL}/v1/callbacks/one?m="


def read(reference: str, secret: str = SECRET) -> tuple[int, ...] | None:
    found = ReferenceSigner("one", [secret.encode()]).read(reference)
    return None if found is None else tuple(found)


def in_url(url: str) -> str:
    """Return the reference of a callback URL."""
    return url.removeprefix(PREFIX).partition("&")[0] if url.startswith(PREFIX) else url


@pytest.mark.parametrize("preset", PRESETS)
def test_the_gateway_takes_a_reference_of_the_message(preset: str, tmp_path: Path) -> None:
    """The double checks the request, made of what the page says, as the gateway's documents do."""
    text = Text.of(preset, PHONE, "hello")
    with sending_with_callbacks(preset, tmp_path, CALLBACKS) as (sending, _):
        (result,) = sending.send(text)
        server = sending.server
        assert server.wrong == []
        assert result.status is SendStatus.ACCEPTED
        reported = server.vendor.reported(server.requests[0])
    found = {reference for reference in (in_url(reported.url), reported.reference) if reference}
    assert {read(reference) for reference in found} == {text.referenced}


@pytest.mark.parametrize("preset", PRESETS)
def test_what_the_page_says_is_a_configuration(preset: str, tmp_path: Path) -> None:
    page = read_page(preset)
    (given,) = page.receipts["Callbacks"]["Secrets"]
    assert set(page.receipts["Callbacks"]) == {"BaseUrl", "Secrets"}
    assert set(given) == {"File"}
    with sending_with_callbacks(preset, tmp_path, CALLBACKS) as (_, settings):
        assert set(callbacks_of(settings)) == {"one"}


@pytest.mark.parametrize("preset", ["kannel", "jasmin"])
def test_a_report_to_the_url_of_a_message_is_read(preset: str, tmp_path: Path) -> None:
    """Of gateways that sign nothing: the reference is the proof, and names the message."""
    text = Text.of(preset, PHONE, "hello")
    with sending_with_callbacks(preset, tmp_path, CALLBACKS) as (sending, settings):
        sending.send(text)
        url = sending.server.vendor.reported(sending.server.requests[0]).url
    form = {"content-type": "application/x-www-form-urlencoded"}
    request = (
        CallbackRequest("GET", url, {})
        if preset == "kannel"
        else CallbackRequest("POST", url, form, b"id=1&message_status=DELIVRD&level=2")
    )
    found = callbacks_of(settings)["one"].accept(request, CallbackPurpose.RECEIPTS)
    assert isinstance(found, Accepted)
    assert [tuple(receipt.reference or ()) for receipt in found.receipts] == [text.referenced]
    assert urlsplit(url).netloc == "camp.example.com"


def test_a_secret_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "references"
    file.write_text(SECRET)
    callbacks = {**CALLBACKS, "Secrets": [{"File": str(file)}]}
    with sending_with_callbacks("twilio", tmp_path, callbacks) as (sending, _):
        sending.send(Text.of("twilio", PHONE, "hello"))
        account = sending.provider.account_digest
        file.write_text(OTHER)
        while True:
            sending.send(Text.of("twilio", PHONE, "hello"))
            last = reference_of(sending.server.vendor.reported(sending.server.requests[-1]))
            if read(last) is None:
                break
        assert read(last, OTHER) is not None
        assert sending.provider.account_digest == account


def reference_of(reported: Reported) -> str:
    return in_url(reported.url)


def test_a_sender_without_the_secret_sends_nothing(tmp_path: Path) -> None:
    callbacks = {**CALLBACKS, "Secrets": [{"File": str(tmp_path / "missing")}]}
    with sending_with_callbacks("twilio", tmp_path, callbacks) as (sending, _):
        (result,) = sending.send(Text.of("twilio", PHONE, "hello"))
        assert result.status is SendStatus.UNCONFIGURED
        assert "Callbacks.Secrets.0" in (sending.provider.problem or "")
        assert sending.server.requests == []


def test_every_try_under_a_key_is_the_same_in_a_rotation(tmp_path: Path) -> None:
    """Two senders, before and after the new secret was configured, send one message to Telnyx.

    The double refuses a known key with another body.
    """
    after = [{"Value": OTHER, "FromCampaign": Text.campaign_id + 1}, {"Value": SECRET}]
    text = Text.of("telnyx", PHONE, "hello")
    requests: list[Request] = []
    for number, secrets in enumerate(([{"Value": SECRET}], after)):
        folder = tmp_path / str(number)
        folder.mkdir()
        callbacks = {**CALLBACKS, "Secrets": secrets}
        with sending_with_callbacks("telnyx", folder, callbacks) as (sending, _):
            assert sending.send(text)[0].status is SendStatus.ACCEPTED
            requests += sending.server.requests
    assert len({request.body for request in requests}) == 1


def test_all_pages_configure_callbacks_the_same_way() -> None:
    documents = {yaml.safe_dump(read_page(preset).receipts["Callbacks"]) for preset in PRESETS}
    assert len(documents) == 1
