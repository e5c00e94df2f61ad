"""Checks of the presets, with the keys that their pages say to enter."""

from pathlib import Path

import pytest

from campaign_common.settings import HttpProviderSettings
from campaign_common.settings.presets import preset_names
from campaign_common.settings.sections.providers.map import ProviderMap
from campaign_providers.check import CheckMessage
from campaign_providers.http import HttpCheck
from tests.support.providers.pages import read_page
from tests.support.providers.presets import entered
from tests.support.providers.vendors.vendor import SECRETS

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
