"""Callbacks of a provider from bytes to facts, whatever the bytes are."""

import gc
import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_providers.callbacks.facts import (
    Accepted,
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    RefusalReason,
    Refused,
    Unreadable,
)
from campaign_providers.callbacks.mappings.documents import mapped_presets, preset_mapping
from campaign_providers.callbacks.provider_callbacks import ProviderCallbacks
from campaign_providers.callbacks.signatures.basic import BasicVerifier
from campaign_providers.callbacks.signatures.hmac_header import HmacVerifier, MetaVerifier
from campaign_providers.callbacks.signatures.plivo import PlivoVerifier
from campaign_providers.callbacks.signatures.reference import ReferenceVerifier
from campaign_providers.callbacks.signatures.telnyx import TelnyxVerifier
from campaign_providers.callbacks.signatures.tokens import MessageBirdVerifier, VonageVerifier
from campaign_providers.callbacks.signatures.twilio import TwilioVerifier
from campaign_providers.callbacks.signatures.verifier import Verifier
from tests.unit.providers.callbacks.requests import (
    BASE,
    REFERENCE,
    REFERENCES,
    SIGNED,
    VERIFIER,
)

LARGEST = 262_144
"""Bytes of a body that an API lets through."""

PROVIDERS = {
    preset: ProviderCallbacks(preset_mapping(preset), VERIFIER, REFERENCES)
    for preset in mapped_presets()
}
VERIFIERS: list[Verifier] = [
    TwilioVerifier(["secret"]),
    MetaVerifier(["secret"], ["token"]),
    TelnyxVerifier(["A" * 43 + "="]),
    VonageVerifier(["s" * 32]),
    MessageBirdVerifier(["s" * 64]),
    PlivoVerifier(["secret"]),
    HmacVerifier("x-signature", ["secret"], encoding="base64"),
    BasicVerifier([("user", "other")]),
    ReferenceVerifier(REFERENCES),
]
HEADERS = [
    "authorization",
    "content-type",
    "messagebird-signature-jwt",
    "telnyx-signature-ed25519",
    "telnyx-timestamp",
    "x-hub-signature-256",
    "x-plivo-signature-v3",
    "x-plivo-signature-v3-nonce",
    "x-signature",
    "x-twilio-signature",
    "x-twilio-webhooks-signature-settings",
]
NAMES = st.sampled_from(
    (
        *("entry", "changes", "value", "statuses", "messages", "results", "data", "payload", "to"),
        *("status", "id", "errors", "text", "from", "Message", "MessageStatus", "messageId"),
        *("client-ref", "biz_opaque_callback_data", "event_type", "type", "msisdn", "Body"),
    )
)
SCALARS = ["delivered", "message.received", REFERENCE, "1e999", "{}", "+491511234567"]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(
            ["delivered", "message.received", REFERENCE, "1e999", "{}", "+491511234567"]
        ),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)
JSON_BODIES = VALUES.map(
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
)
PAIRS = st.tuples(NAMES, st.text('%&=+;[]{}"aé0😀\x00', max_size=12))
FORM_BODIES = st.lists(PAIRS, max_size=8).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode()
)
BODIES = st.one_of(st.binary(max_size=200), JSON_BODIES, FORM_BODIES)
ANY_TEXT = st.text(st.characters(), max_size=60)
TYPES = st.sampled_from(["", "application/json", "application/x-www-form-urlencoded", "text/plain"])

any_request = st.builds(
    CallbackRequest,
    st.sampled_from(["GET", "POST", "PUT", ""]),
    st.builds(lambda query: f"{BASE}?{query}", st.one_of(ANY_TEXT, FORM_BODIES.map(bytes.decode))),
    TYPES.map(lambda kind: {**SIGNED, "content-type": kind}),
    BODIES,
)


@settings(deadline=None)
@given(any_request, st.sampled_from(mapped_presets()), st.sampled_from(CallbackPurpose))
def test_any_verified_request_is_accepted(
    request: CallbackRequest, preset: str, purpose: CallbackPurpose
) -> None:
    answer = PROVIDERS[preset].accept(request, purpose)
    assert isinstance(answer, Accepted)
    assert answer.receipts or answer.inbound or answer.unknown or preset_ignores(request, preset)


def preset_ignores(request: CallbackRequest, preset: str) -> bool:
    """Return whether a status of rank none may be the reason that there is nothing."""
    receipts = preset_mapping(preset).receipts
    assert receipts is not None
    written = (request.body + request.url.encode("utf-8", "surrogatepass")).lower()
    return any(word.lower().encode() in written for word in receipts.words.get("none", ()))


@settings(deadline=None)
@given(
    any_request,
    st.sampled_from(VERIFIERS),
    st.dictionaries(st.sampled_from(HEADERS), ANY_TEXT),
    st.sampled_from(CallbackPurpose),
)
def test_no_request_without_secret_is_believed(
    request: CallbackRequest,
    verifier: Verifier,
    headers: dict[str, str],
    purpose: CallbackPurpose,
) -> None:
    provider = ProviderCallbacks(preset_mapping("twilio"), verifier, REFERENCES)
    answer = provider.accept(replace(request, headers={**request.headers, **headers}), purpose)
    assert isinstance(answer, Refused)


@pytest.mark.parametrize("verifier", VERIFIERS, ids=lambda each: type(each).__name__)
def test_a_request_without_any_proof_is_unsigned(verifier: Verifier) -> None:
    provider = ProviderCallbacks(preset_mapping("twilio"), verifier, REFERENCES)
    answer = provider.accept(CallbackRequest("POST", BASE, {}, b"{}"), CallbackPurpose.RECEIPTS)
    assert answer == Refused(RefusalReason.UNSIGNED, isinstance(verifier, BasicVerifier))


def test_metas_challenge_is_answered_without_facts() -> None:
    provider = ProviderCallbacks(
        preset_mapping("whatsapp_cloud"), MetaVerifier(["secret"], ["token"]), REFERENCES
    )
    query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token="
    asked = CallbackRequest("GET", f"{BASE}?{query}token", {})
    answer = provider.accept(asked, CallbackPurpose.RECEIPTS)
    assert answer == Accepted(reply=CallbackReply(b"42"))
    guessed = provider.accept(replace(asked, url=f"{BASE}?{query}x"), CallbackPurpose.RECEIPTS)
    assert guessed == Refused(RefusalReason.FORGED)


def largest(opening: bytes, item: bytes, end: bytes) -> bytes:
    room = LARGEST - len(opening) - len(end)
    return opening + (item * (room // len(item))).rstrip(b",") + end


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * LARGEST, id="deep"),
        pytest.param(b'{"a":' * (LARGEST // 5), id="deep objects"),
        pytest.param(b'"' + b'\\"' * (LARGEST // 2 - 1), id="a string without end"),
        pytest.param(b'"' * LARGEST, id="quotes"),
        pytest.param(largest(b'{"results":[', b"{},", b"]}"), id="empty items"),
        pytest.param(largest(b'{"results":[', b"[],", b"]}"), id="empty lists"),
        pytest.param(largest(b'{"results":[', b'{"status":{"groupName":"X"}},', b"]}"), id="words"),
        pytest.param(largest(b"[", b"1e308,", b"]"), id="numbers"),
        pytest.param(b"9" * LARGEST, id="one number"),
        pytest.param(b"a=&" * (LARGEST // 3), id="fields"),
        pytest.param(b"%" * LARGEST, id="escapes"),
        pytest.param(b"\x1f\x8b\x08" + b"\x00" * (LARGEST - 3), id="compressed"),
        pytest.param(b"\xff" * LARGEST, id="no text"),
    ],
)
@pytest.mark.parametrize("preset", ["infobip", "twilio"])
def test_memory_stays_flat_whatever_the_body(preset: str, body: bytes) -> None:
    """The peak is a small multiple of the body, and nothing of it is kept."""
    request = CallbackRequest("POST", BASE, SIGNED, body)
    answer = PROVIDERS[preset].accept(request, CallbackPurpose.RECEIPTS)
    del answer
    gc.freeze()  # what is there already is not looked at below, which would take half a second
    tracemalloc.start()
    try:
        for _ in range(2):
            answer = PROVIDERS[preset].accept(request, CallbackPurpose.RECEIPTS)
            assert isinstance(answer, Accepted)
            assert answer.receipts == ()
            assert answer.unknown
        del answer
        gc.collect()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * LARGEST
    assert kept < LARGEST


def test_a_request_does_not_show_its_body_or_people() -> None:
    """Phones and texts reach no log by way of repr."""
    body = b"MessageSid=SM1&From=%2B4915112345678&To=%2B15005550006&Body=private"
    kinds: dict[str, Any] = {"content-type": "application/x-www-form-urlencoded"}
    request = CallbackRequest("POST", BASE, {**SIGNED, **kinds}, body)
    answer = PROVIDERS["twilio"].accept(request, CallbackPurpose.INBOUND)
    assert isinstance(answer, Accepted)
    assert len(answer.inbound) == 1
    receipt = replace(request, body=b"MessageSid=SM1&MessageStatus=sent&To=%2B4915112345678")
    reported = PROVIDERS["twilio"].accept(receipt, CallbackPurpose.RECEIPTS)
    assert isinstance(reported, Accepted)
    assert reported.receipts[0].recipient == "4915112345678"
    asked = CallbackRequest("GET", f"{BASE}?from=%2B4915112345678&text=private", SIGNED)
    for shown in (repr(request), repr(answer), repr(reported), repr(asked)):
        assert "4915112345678" not in shown
        assert "private" not in shown
        assert SIGNED["authorization"] not in shown


def test_unknown_counts_are_small_whatever_comes() -> None:
    items = b",".join(
        b'{"status": {"groupName": "NEW%d"}, "messageId": "1"}' % n for n in range(50)
    )
    request = CallbackRequest("POST", BASE, SIGNED, b'{"results": [%s]}' % items)
    answer = PROVIDERS["infobip"].accept(request, CallbackPurpose.RECEIPTS)
    assert isinstance(answer, Accepted)
    assert answer.unknown == {Unreadable.STATUS: 50}
