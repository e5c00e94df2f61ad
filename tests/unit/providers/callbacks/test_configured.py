"""Callbacks of a provider by its configuration."""

from dataclasses import replace
from typing import Any

import pytest

from campaign_common.errors import SettingsError
from campaign_providers.callbacks.configured import (
    CallbackConfiguration,
    VerifyWay,
    configured_callbacks,
)
from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, Refused
from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from tests.unit.providers.callbacks.requests import accepted

OURS = (b"reference secret".ljust(32),)
REFERENCE = ReferenceSigner("gate", OURS).make(ReferencePurpose.RECEIPT, 7, 5)
KANNEL = CallbackConfiguration(
    provider="gate", verify=VerifyWay.REFERENCE, reference_secrets=OURS, preset="kannel"
)
ENOUGH: dict[VerifyWay, dict[str, Any]] = {
    VerifyWay.META: {"secrets": ("a",), "verify_tokens": ("b",)},
    VerifyWay.TELNYX: {"secrets": ("A" * 43 + "=",)},
    VerifyWay.HMAC: {"secrets": ("a",), "header": "x-signature"},
    VerifyWay.BASIC: {"users": (("a", "b"),)},
    VerifyWay.REFERENCE: {},
}


def configured(verify: VerifyWay, **keys: Any) -> CallbackConfiguration:  # noqa: ANN401 - any field
    return replace(KANNEL, verify=verify, **keys)


@pytest.mark.parametrize("verify", VerifyWay)
def test_a_way_needs_its_secrets_and_no_more(verify: VerifyWay) -> None:
    enough = ENOUGH.get(verify, {"secrets": ("a",)})
    provider = configured_callbacks(configured(verify, **enough))
    unsigned = CallbackRequest("GET", "https://camp.example.com/?status=1", {})
    assert isinstance(provider.accept(unsigned, CallbackPurpose.RECEIPTS), Refused)
    for missing in enough:
        with pytest.raises(SettingsError, match="callbacks of gate: expected"):
            configured_callbacks(configured(verify, **{**enough, missing: ()}))


def test_references_are_those_of_the_name() -> None:
    request = CallbackRequest("GET", f"https://camp.example.com/?m={REFERENCE}&status=1", {})
    (receipt,) = accepted(configured_callbacks(KANNEL), request).receipts
    assert receipt.reference is not None
    assert (receipt.reference.campaign_id, receipt.reference.seq) == (7, 5)
    other = configured_callbacks(replace(KANNEL, provider="other"))
    assert isinstance(other.accept(request, CallbackPurpose.RECEIPTS), Refused)


def test_a_section_of_ones_own_goes_over_the_preset() -> None:
    own = {
        "Receipts": {"Body": "query", "Reference": "?m", "Status": "s", "Words": {"read": ["seen"]}}
    }
    both = configured_callbacks(replace(KANNEL, mapping=own))
    request = CallbackRequest("GET", f"https://camp.example.com/?m={REFERENCE}&s=seen", {})
    assert accepted(both, request).receipts[0].word == "seen"
    inbound = ReferenceSigner("gate", OURS).make(ReferencePurpose.INBOUND)
    url = f"https://camp.example.com/?m={inbound}&from=4912345678&text=a"
    text = CallbackRequest("GET", url, {})
    assert len(accepted(both, text, CallbackPurpose.INBOUND).inbound) == 1
    alone = configured_callbacks(replace(KANNEL, mapping=own, preset=None))
    assert accepted(alone, request).receipts[0].word == "seen"
    assert accepted(alone, text, CallbackPurpose.INBOUND).inbound == ()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        pytest.param({"preset": "none"}, "expected one of aws_sms, ", id="unknown preset"),
        pytest.param({"preset": None}, "there is no preset that has one", id="nothing"),
        pytest.param({"mapping": {"Receipt": {}}}, "unknown field", id="wrong mapping"),
        pytest.param({"reference_secrets": (b"short",)}, "at least 16 bytes", id="short secret"),
        pytest.param({"preset": "telnyx"}, "SameWebhook needs a signature", id="no signature"),
    ],
)
def test_a_wrong_configuration_is_refused(keys: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        configured_callbacks(replace(KANNEL, **keys))


def test_secrets_are_not_shown() -> None:
    shown = repr(configured(VerifyWay.BASIC, users=(("user", "pass"),), secrets=("token",)))
    assert not [word for word in ("pass", "token", "reference secret") if word in shown]
