"""Signatures without a validator of a vendor: Meta's, any HMAC, passwords, our own references."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from campaign_providers.callbacks.facts import (
    CallbackPurpose,
    CallbackReply,
    CallbackRequest,
    RefusalReason,
)
from campaign_providers.callbacks.references import ReferencePurpose, ReferenceSigner
from campaign_providers.callbacks.signatures.basic import BasicVerifier
from campaign_providers.callbacks.signatures.hmac_header import HmacVerifier, MetaVerifier
from campaign_providers.callbacks.signatures.reference import ReferenceVerifier
from tests.unit.providers.callbacks.signatures.mutations import disagreements, is_accepted

SECRET, OTHER, TOKEN = "app-secret", "other-secret", "verify-token"
BASE = "https://camp.example.com/v1/callbacks/whatsapp"
BODY = '{"entry": [{"text": "\\u00e4 😀 grüße / \\/"}]}'.encode()
REFERENCES = ReferenceSigner("kannel", [b"k" * 32])


def meta(secret: str = SECRET) -> CallbackRequest:
    signature = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    return CallbackRequest("POST", BASE, {"x-hub-signature-256": f"sha256={signature}"}, BODY)


def meta_as_documented(request: CallbackRequest) -> bool:
    """The check of Meta's documents: the hash of the payload is what stands behind sha256=."""
    expected = hmac.new(SECRET.encode(), request.body, "sha256").hexdigest()
    scheme, _, given = request.headers.get("x-hub-signature-256", "").partition("=")
    return scheme == "sha256" and given.lower() == expected


def test_meta_signs_the_raw_bytes() -> None:
    verifier = MetaVerifier([SECRET], [TOKEN])
    assert disagreements(verifier, meta(), meta_as_documented) == []
    assert is_accepted(MetaVerifier([OTHER, SECRET], [TOKEN]), meta())
    assert not is_accepted(MetaVerifier([OTHER], [TOKEN]), meta())


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        pytest.param(
            "hub.mode=subscribe&hub.verify_token=verify-token&hub.challenge=115820",
            CallbackReply(b"115820"),
            id="ours",
        ),
        pytest.param(
            "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=115820",
            RefusalReason.FORGED,
            id="another token",
        ),
        pytest.param(
            "hub.mode=subscribe&hub.challenge=115820", RefusalReason.FORGED, id="no token"
        ),
        pytest.param(
            "hub.mode=subscribe&hub.verify_token=verify-token",
            RefusalReason.UNSIGNED,
            id="no challenge",
        ),
        pytest.param("", RefusalReason.UNSIGNED, id="nothing"),
        pytest.param(
            f"hub.mode=subscribe&hub.verify_token=verify-token&hub.challenge={'1' * 300}",
            RefusalReason.FORGED,
            id="a long challenge",
        ),
        pytest.param(
            "hub.mode=subscribe&hub.verify_token=verify-token&hub.challenge=%0d%0aSet-Cookie",
            RefusalReason.FORGED,
            id="line ends",
        ),
    ],
)
def test_the_challenge_comes_back_for_our_token(
    query: str, answer: CallbackReply | RefusalReason
) -> None:
    request = CallbackRequest("GET", f"{BASE}?{query}", {})
    assert MetaVerifier([SECRET], ["old", TOKEN]).handshake(request) == answer


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_an_hmac_of_any_form_agrees_with_hashlib(algorithm: str, encoding: str) -> None:
    digest = hmac.new(SECRET.encode(), BODY, algorithm).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    request = CallbackRequest("POST", BASE, {"x-signature": f"v1 {text}"}, BODY)
    verifier = HmacVerifier(
        "X-Signature",
        [OTHER, SECRET],
        algorithm=algorithm,  # type: ignore[arg-type]
        encoding=encoding,  # type: ignore[arg-type]
        prefix="v1 ",
    )
    assert is_accepted(verifier, request)
    assert not is_accepted(verifier, replace(request, body=BODY + b" "))
    assert not is_accepted(verifier, replace(request, headers={"x-signature": text}))
    assert not is_accepted(verifier, replace(request, headers={}))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        pytest.param("Basic dXNlcjpwYXNz", None, id="user:pass"),
        pytest.param("basic dXNlcjpwYXNz", None, id="the scheme in lower case"),
        pytest.param("Basic bmV3OmVpbmzDtnNlbg==", None, id="the second, in UTF-8"),
        pytest.param("Basic dXNlcjpwYXNzMg==", RefusalReason.FORGED, id="another password"),
        pytest.param("Basic dXNlcjo=", RefusalReason.FORGED, id="an empty password"),
        pytest.param("Bearer dXNlcjpwYXNz", RefusalReason.UNSIGNED, id="another scheme"),
        pytest.param("", RefusalReason.UNSIGNED, id="nothing"),
        pytest.param("Basic é\udcff", RefusalReason.FORGED, id="no base64"),
    ],
)
def test_a_password_is_compared_whole(header: str, reason: RefusalReason | None) -> None:
    verifier = BasicVerifier([("user", "pass"), ("new", "einlösen")])
    request = CallbackRequest("POST", BASE, {"authorization": header}, BODY)
    assert verifier.verify(request, CallbackPurpose.RECEIPTS) is reason


@pytest.mark.parametrize("credentials", [[], [("user", "")], [("us:er", "pass")]])
def test_credentials_that_protect_nothing(credentials: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="expected"):
        BasicVerifier(credentials)


@pytest.mark.parametrize(
    ("purpose", "made_for", "reason"),
    [
        (CallbackPurpose.RECEIPTS, ReferencePurpose.RECEIPT, None),
        (CallbackPurpose.RECEIPTS, ReferencePurpose.TEST, None),
        (CallbackPurpose.RECEIPTS, ReferencePurpose.ANSWER, None),
        (CallbackPurpose.RECEIPTS, ReferencePurpose.UNSUBSCRIBE, RefusalReason.FORGED),
        (CallbackPurpose.RECEIPTS, ReferencePurpose.INBOUND, RefusalReason.FORGED),
        (CallbackPurpose.INBOUND, ReferencePurpose.INBOUND, None),
        (CallbackPurpose.INBOUND, ReferencePurpose.RECEIPT, RefusalReason.FORGED),
    ],
)
def test_a_reference_proves_only_what_it_is_for(
    purpose: CallbackPurpose, made_for: ReferencePurpose, reason: RefusalReason | None
) -> None:
    url = f"{BASE}?m={REFERENCES.make(made_for, 7, 5)}"
    verifier = ReferenceVerifier(REFERENCES)
    assert verifier.verify(CallbackRequest("GET", url, {}), purpose) is reason
    elsewhere = ReferenceVerifier(ReferenceSigner("jasmin", [b"k" * 32]))
    assert elsewhere.verify(CallbackRequest("GET", url, {}), purpose) is RefusalReason.FORGED


def test_a_url_without_reference_is_unsigned() -> None:
    reason = ReferenceVerifier(REFERENCES).verify(
        CallbackRequest("GET", f"{BASE}?x=1", {}), CallbackPurpose.RECEIPTS
    )
    assert reason is RefusalReason.UNSIGNED
