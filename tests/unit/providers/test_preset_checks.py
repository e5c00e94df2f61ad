"""Checks of the presets, with the keys that their pages say to enter."""

from pathlib import Path

import pytest

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose
from campaign_common.settings import HttpProviderSettings
from campaign_common.settings.presets import preset_names
from campaign_common.settings.sections.providers.map import ProviderMap
from campaign_providers.callbacks.references import ReferenceSigner
from campaign_providers.check import CheckMessage
from campaign_providers.http import HttpCheck
from campaign_providers.registry import provider_checks
from tests.support.providers.pages import read_page
from tests.support.providers.presets import entered
from tests.support.providers.vendors.vendor import SECRETS
from tests.unit.providers.callbacks.configurations import FIRST, preset_provider, with_callbacks

PHONE = "4915112345678"


@pytest.mark.parametrize("preset", preset_names())
def test_a_check_of_a_preset_shows_no_secret(preset: str, tmp_path: Path) -> None:
    loaded = ProviderMap().deserialize(
        {"p": entered(read_page(preset), "https://gateway.example", tmp_path)}
    )
    assert loaded is not None
    settings = loaded["p"]
    assert isinstance(settings, HttpProviderSettings)
    is_text = "text" in settings.content_support.kinds
    message = CheckMessage(
        phone=PHONE,
        body="hi" if is_text else "",
        idempotency_key="check-7",
        template_name=None if is_text else "hello_world",
        template_language=None if is_text else "en_US",
    )
    request = HttpCheck("p", settings).prepare(message).request
    assert request is not None
    shown = str(request)
    assert "MASKED" in shown
    for name in settings.secrets:
        assert SECRETS[name] not in shown
    assert PHONE not in shown
    assert PHONE[2:] not in shown
    assert "78" in shown


@pytest.mark.parametrize("preset", preset_names())
def test_a_reference_of_a_check_is_of_no_campaign(preset: str, tmp_path: Path) -> None:
    """A check shows what goes out, and its reference is for receipts of the check alone."""
    settings = with_callbacks(tmp_path, Providers={"gate": preset_provider(preset, From="Shop")})
    is_text = preset != "whatsapp_cloud"
    message = CheckMessage(
        phone=PHONE,
        body="hi" if is_text else "",
        idempotency_key="check-7",
        template_name=None if is_text else "hello_world",
        template_language=None if is_text else "en_US",
        referenced=(ReferencePurpose.TEST, CampaignId(0), 7, 0, 0),
    )
    request = provider_checks(settings)["gate"].prepare(message).request
    assert request is not None
    signer = ReferenceSigner("gate", [FIRST.encode()])
    reference = signer.make(ReferencePurpose.TEST, 0, 7)
    assert reference in request.url + request.body
    found = signer.read(reference)
    assert found is not None
    assert (found.purpose, found.campaign_id) == (ReferencePurpose.TEST, 0)
    assert FIRST not in str(request)
