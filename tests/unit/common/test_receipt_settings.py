"""Times of receipts, and hard bounces: settings of providers and of the whole."""

from pathlib import Path

import pytest

from campaign_common.domain.suppressions.hard_bounces import HardBounces
from campaign_common.settings.presets import preset_names
from tests.unit.common.test_callback_settings import (
    CALLBACKS,
    GATEWAY,
    SECRETS,
    load,
    refusal,
    with_preset,
)

THREE = {"Suppressions": {"HardBounces": {"After": 3}}}
OF_ITSELF = {"Verify": "hmac", "Header": "X-Signature", **SECRETS}
TWILIO = with_preset("twilio")


@pytest.mark.parametrize("preset", preset_names())
def test_receipts_of_a_preset_have_72_hours(tmp_path: Path, preset: str) -> None:
    document = {"Callbacks": CALLBACKS, "Providers": with_preset(preset)}
    assert load(tmp_path, document).receipt_timeouts == {"gate": 72 * 3_600.0}


def test_a_time_of_ones_own_and_none(tmp_path: Path) -> None:
    providers = {
        "quick": {**GATEWAY, "Callbacks": {**OF_ITSELF, "ReceiptTimeout": "2h"}},
        "without": {**GATEWAY, "Callbacks": {**OF_ITSELF, "ReceiptTimeout": None}},
        "silent": GATEWAY,
    }
    settings = load(tmp_path, {"Callbacks": CALLBACKS, "Providers": providers})
    assert settings.receipt_timeouts == {"quick": 7_200.0}
    assert load(tmp_path, {"Providers": providers}).receipt_timeouts == {}


def test_hard_bounces_are_off_by_default(tmp_path: Path) -> None:
    document = {"Callbacks": CALLBACKS, "Providers": TWILIO}
    assert load(tmp_path, document).hard_bounces is None


def test_codes_of_a_preset_count_or_those_in_their_place(tmp_path: Path) -> None:
    """Numbers are text."""
    providers = {
        **TWILIO,
        "own": {**TWILIO["gate"], "Callbacks": {"HardBounces": [7, "x"]}},
        "none": {**TWILIO["gate"], "Callbacks": {"HardBounces": []}},
    }
    document = {"Callbacks": CALLBACKS, "Providers": providers, **THREE}
    codes = {"gate": frozenset({"30005", "30006"}), "own": frozenset({"7", "x"})}
    assert load(tmp_path, document).hard_bounces == HardBounces(3, codes)


def test_their_scope_and_how_long_a_suppression_lasts(tmp_path: Path) -> None:
    bounces = {"After": 1, "Scope": "*", "For": "24h"}
    document = {
        "Callbacks": CALLBACKS,
        "Providers": TWILIO,
        "Suppressions": {"HardBounces": bounces},
    }
    found = load(tmp_path, document).hard_bounces
    assert found is not None
    assert (found.after, found.of_each, found.lasts) == (1, False, 86_400.0)


def test_hard_bounces_without_codes_are_remarked(tmp_path: Path) -> None:
    (note,) = load(tmp_path, THREE).notes
    assert note == "Suppressions.HardBounces are not used: no callbacks have codes of them"


@pytest.mark.parametrize("codes", [7, "7", [None], [["7"]], ["x" * 33], ["é"]])
def test_codes_are_a_list_of_short_texts(tmp_path: Path, codes: object) -> None:
    provider = {**GATEWAY, "Callbacks": {**OF_ITSELF, "HardBounces": codes}}
    document = {"Callbacks": CALLBACKS, "Providers": {"gate": provider}}
    assert "HardBounces" in refusal(tmp_path, document)
