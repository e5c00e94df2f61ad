"""Telnyx's own validator and ours say the same."""

import base64
import time
from dataclasses import replace

import pytest
from nacl.signing import SigningKey
from telnyx.resources.webhooks import WebhooksResource

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.telnyx import TelnyxVerifier
from tests.unit.providers.callbacks.signatures.mutations import disagreements, is_accepted

KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
URL = "https://camp.example.com/v1/callbacks/telnyx?m=AAQAAAARAAAABTuaygFIgCwXtbK6pzh_2MY"
BODY = '{"data": {"event_type": "message.finalized", "payload": {"text": "grüße"}}}'.encode()


def public(key: SigningKey) -> str:
    return base64.b64encode(bytes(key.verify_key)).decode()


def signed(at: int, key: SigningKey = KEY) -> CallbackRequest:
    """A request that is signed with PyNaCl at a time."""
    signature = key.sign(f"{at}|".encode() + BODY).signature
    headers = {
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        "telnyx-timestamp": str(at),
    }
    return CallbackRequest("POST", URL, headers, BODY)


def vendor(request: CallbackRequest) -> bool:
    """Telnyx's verdict; with a key it needs no client."""
    payload = request.body.decode("utf-8", "surrogateescape")
    try:
        WebhooksResource.unwrap(None, payload, headers=request.headers, key=public(KEY))
    except ValueError:
        return False
    return True


def test_telnyx_and_we_agree_on_mangled_requests() -> None:
    request = signed(int(time.time()))
    differing = disagreements(TelnyxVerifier([public(KEY)]), request, vendor)
    assert differing == []


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        pytest.param(0, None, id="now"),
        pytest.param(300, None, id="at the limit"),
        pytest.param(301, RefusalReason.STALE, id="too late"),
        pytest.param(-300, None, id="clock is behind"),
        pytest.param(-301, RefusalReason.STALE, id="clock is too far behind"),
    ],
)
def test_a_signature_holds_for_five_minutes(late: int, reason: RefusalReason | None) -> None:
    verifier = TelnyxVerifier([public(KEY)], clock=lambda: 1_700_000_000.0 + late)
    assert verifier.verify(signed(1_700_000_000), CallbackPurpose.RECEIPTS) is reason


def test_telnyx_refuses_the_same_old_time() -> None:
    old = signed(int(time.time()) - 310)
    assert not vendor(old)
    assert not is_accepted(TelnyxVerifier([public(KEY)]), old)


def test_both_keys_of_a_rotation_are_taken() -> None:
    now = int(time.time())
    verifier = TelnyxVerifier([public(OTHER), public(KEY)])
    assert is_accepted(verifier, signed(now))
    assert is_accepted(verifier, signed(now, OTHER))
    assert not is_accepted(TelnyxVerifier([public(OTHER)]), signed(now))


def test_the_time_is_part_of_what_is_signed() -> None:
    now = int(time.time())
    request = signed(now)
    later = replace(request, headers={**request.headers, "telnyx-timestamp": str(now + 1)})
    assert not is_accepted(TelnyxVerifier([public(KEY)]), later)


@pytest.mark.parametrize("keys", [[], ["no base64"], ["AAAA"]])
def test_what_is_no_public_key_is_a_mistake(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="public key"):
        TelnyxVerifier(keys)
