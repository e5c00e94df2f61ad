"""The validators of Vonage and MessageBird, and ours, say the same."""

import time
from dataclasses import replace
from hashlib import sha256
from typing import Any

import jwt
import pytest
from messagebird.error import ValidationError
from messagebird.request_validator import RequestValidator
from vonage_jwt.errors import VonageVerifyJwtError
from vonage_jwt.verify_jwt import verify_signature

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.tokens import MessageBirdVerifier, VonageVerifier
from campaign_providers.callbacks.signatures.verifier import Verifier
from tests.unit.providers.callbacks.signatures.mutations import disagreements, is_accepted

SECRET, OTHER = "s" * 64, "o" * 64
URL = "https://camp.example.com/v1/callbacks/x?m=AAQAAAARAAAABTuaygFIgCwXtbK6pzh_2MY&b=2"
BODY = '{"status": "delivered", "text": "grüße"}'.encode()
NOW = int(time.time())


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def vonage(secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> CallbackRequest:
    """A request as Vonage signs it."""
    known = {"iss": "Vonage", "iat": NOW, "jti": "1", "payload_hash": digest(BODY), **claims}
    token = jwt.encode({k: v for k, v in known.items() if v is not None}, secret, algorithm)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return CallbackRequest("POST", URL, headers, BODY)


def messagebird(secret: str = SECRET, body: bytes = BODY, **claims: object) -> CallbackRequest:
    """A request as MessageBird signs it."""
    known: dict[str, object] = {
        "iss": "MessageBird",
        "nbf": NOW - 10,
        "exp": NOW + 86_400,
        "jti": "1",
        "url_hash": digest(URL.encode()),
        "payload_hash": digest(body) if body else None,
        **claims,
    }
    token = jwt.encode({k: v for k, v in known.items() if v is not None}, secret, "HS256")
    return CallbackRequest("POST", URL, {"messagebird-signature-jwt": token}, body)


def vonage_vendor(request: CallbackRequest) -> bool:
    """The verdict of Vonage's library, which leaves the hash of the body to its documents."""
    header = request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ")
    try:
        if token == header or not verify_signature(token, SECRET):
            return False
    except (VonageVerifyJwtError, UnicodeEncodeError):
        return False
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return bool(claims["payload_hash"] == digest(request.body))


def messagebird_vendor(request: CallbackRequest) -> bool:
    try:
        RequestValidator(SECRET).validate_signature(
            request.headers.get("messagebird-signature-jwt", ""), request.url, request.body
        )
    except (ValidationError, UnicodeEncodeError):
        return False
    return True


def test_vonage_and_we_agree_on_mangled_requests() -> None:
    request = vonage()
    assert disagreements(VonageVerifier([SECRET]), request, vonage_vendor) == []


def test_messagebird_and_we_agree_on_mangled_requests() -> None:
    request = messagebird()
    assert disagreements(MessageBirdVerifier([SECRET]), request, messagebird_vendor) == []


@pytest.mark.parametrize("make", [VonageVerifier, MessageBirdVerifier])
def test_both_secrets_of_a_rotation_are_taken(make: type[Verifier]) -> None:
    signed = {VonageVerifier: vonage, MessageBirdVerifier: messagebird}[make]
    verifier = make([OTHER, SECRET])  # type: ignore[call-arg]
    assert is_accepted(verifier, signed(SECRET))
    assert is_accepted(verifier, signed(OTHER))
    assert not is_accepted(make([OTHER]), signed(SECRET))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(vonage(payload_hash=None), RefusalReason.FORGED, id="no hash"),
        pytest.param(vonage(payload_hash=["a"]), RefusalReason.FORGED, id="a hash that is none"),
        pytest.param(vonage(algorithm="HS512"), RefusalReason.FORGED, id="another algorithm"),
        pytest.param(vonage(iat=NOW + 80_000), RefusalReason.STALE, id="of the future"),
        pytest.param(vonage(exp=NOW - 3_600), RefusalReason.STALE, id="expired"),
        pytest.param(
            replace(vonage(payload_hash=digest(b"")), method="GET", body=b""),
            RefusalReason.FORGED,
            id="a GET, whose query is not signed",
        ),
        pytest.param(
            replace(vonage(), headers={"authorization": "Basic YTpi"}),
            RefusalReason.UNSIGNED,
            id="another scheme",
        ),
    ],
)
def test_vonage_tokens_that_prove_nothing(request_: CallbackRequest, reason: RefusalReason) -> None:
    verifier = VonageVerifier([SECRET])
    assert verifier.verify(request_, CallbackPurpose.RECEIPTS) is reason


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(messagebird(url_hash=None), RefusalReason.FORGED, id="no hash of the URL"),
        pytest.param(messagebird(url_hash=digest(b"")), RefusalReason.FORGED, id="another URL"),
        pytest.param(
            messagebird(payload_hash=None), RefusalReason.FORGED, id="no hash of the body"
        ),
        pytest.param(messagebird(iss="Other"), RefusalReason.FORGED, id="another issuer"),
        pytest.param(messagebird(exp=None), RefusalReason.FORGED, id="does not expire"),
        pytest.param(messagebird(exp=NOW - 60), RefusalReason.STALE, id="expired"),
        pytest.param(messagebird(nbf=NOW + 80_000), RefusalReason.STALE, id="of the future"),
    ],
)
def test_messagebird_tokens_that_prove_nothing(
    request_: CallbackRequest, reason: RefusalReason
) -> None:
    verifier = MessageBirdVerifier([SECRET])
    assert verifier.verify(request_, CallbackPurpose.RECEIPTS) is reason


def test_a_get_of_messagebird_has_no_hash_of_a_body() -> None:
    request = replace(messagebird(body=b""), method="GET")
    assert messagebird_vendor(request)
    assert is_accepted(MessageBirdVerifier([SECRET]), request)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("eyJhbGciOiJub25lIn0.e30.", id="algorithm none"),
        pytest.param("a.b.c", id="no JSON"),
        pytest.param("W1tb" * 900 + ".e30.AA", id="a header of deep JSON"),
        pytest.param("A" * 100_000, id="long"),
        pytest.param("\udcff\x00é", id="no ASCII"),
    ],
)
def test_a_hostile_token_is_refused_without_noise(token: str) -> None:
    request = CallbackRequest("POST", URL, {"authorization": f"Bearer {token}"}, BODY)
    assert not is_accepted(VonageVerifier([SECRET]), request)
    request = CallbackRequest("POST", URL, {"messagebird-signature-jwt": token}, BODY)
    assert not is_accepted(MessageBirdVerifier([SECRET]), request)
