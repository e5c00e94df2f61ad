"""Twilio's own validator and ours say the same."""

from dataclasses import replace
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

import pytest
from twilio.request_validator import RequestValidator, get_signature_algorithm
from werkzeug.datastructures import MultiDict

from campaign_providers.callbacks.facts import CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.twilio import TwilioVerifier
from tests.unit.providers.callbacks.signatures.mutations import disagreements, is_accepted

TOKEN, OTHER = "12345" * 6, "54321" * 6
URL = "https://camp.example.com/v1/callbacks/twilio?m=AAQAAAARAAAABTuaygFIgCwXtbK6pzh_2MY"
FIELDS = [
    ("MessageSid", "SM" + "0" * 32),
    ("MessageStatus", "delivered"),
    ("To", "+14155550100"),
    ("Body", "grüße & mehr = 100 %"),
    ("MediaUrl", "b"),
    ("MediaUrl", "a"),
    ("MediaUrl", "a"),
    ("Empty", ""),
]
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
SHA256 = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
JSON = b'{"MessageStatus": "delivered", "text": "gr\xc3\xbc\xc3\x9fe"}'


def form_request(
    settings: str | None = None, secret: str = TOKEN, url: str = URL
) -> CallbackRequest:
    """A form that is signed by Twilio's own code."""
    algorithm = get_signature_algorithm(settings)
    signature = RequestValidator(secret).compute_signature(url, MultiDict(FIELDS), algorithm)
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    if settings:
        headers["x-twilio-webhooks-signature-settings"] = settings
    return CallbackRequest("POST", url, headers, urlencode(FIELDS).encode())


def json_request() -> CallbackRequest:
    """A body that is no form; the query has its hash."""
    url = f"{URL}&bodySHA256={sha256(JSON).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    return CallbackRequest("POST", url, headers, JSON)


def vendor(request: CallbackRequest) -> bool:
    """Twilio's verdict on a request as its documents say to ask for it."""
    settings = request.headers.get("x-twilio-webhooks-signature-settings")
    body = request.body.decode("utf-8", "replace")
    pairs: object = body
    if "urlencoded" in request.headers.get("content-type", ""):
        pairs = MultiDict(parse_qsl(body, keep_blank_values=True))
    elif not body:
        pairs = {}
    elif "bodySHA256" not in request.parameters():
        return False
    try:
        return bool(
            RequestValidator(TOKEN).validate(
                request.url,
                pairs,
                request.headers.get("x-twilio-signature", ""),
                get_signature_algorithm(settings),
            )
        )
    except ValueError:
        return False


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(form_request(), id="SHA-1 of a form"),
        pytest.param(form_request(SHA256), id="SHA-256 of a form"),
        pytest.param(json_request(), id="hash of a JSON body"),
    ],
)
def test_twilio_and_we_agree_on_mangled_requests(request_: CallbackRequest) -> None:
    assert disagreements(TwilioVerifier([TOKEN]), request_, vendor) == []


def test_a_get_is_signed_by_its_url_alone() -> None:
    url = f"{URL}&MessageStatus=sent"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    request = CallbackRequest("GET", url, {"x-twilio-signature": signature})
    assert is_accepted(TwilioVerifier([TOKEN]), request)
    forged = replace(request, url=f"{URL}&MessageStatus=read")
    assert not is_accepted(TwilioVerifier([TOKEN]), forged)


@pytest.mark.parametrize(
    "signed", ["https://camp.example.com:443/a?m=1", "https://camp.example.com/a?m=1"]
)
@pytest.mark.parametrize(
    "called", ["https://camp.example.com:443/a?m=1", "https://camp.example.com/a?m=1"]
)
def test_the_port_may_be_in_the_signed_url_or_not(signed: str, called: str) -> None:
    request = replace(form_request(url=signed), url=called)
    assert is_accepted(TwilioVerifier([TOKEN]), request)
    assert vendor(request)


def test_both_tokens_of_a_rotation_are_taken() -> None:
    verifier = TwilioVerifier([OTHER, TOKEN])
    assert is_accepted(verifier, form_request(secret=TOKEN))
    assert is_accepted(verifier, form_request(SHA256, secret=OTHER))
    assert not is_accepted(TwilioVerifier([OTHER]), form_request(secret=TOKEN))


def test_json_without_its_hash_is_refused() -> None:
    """The URL alone is signed, and says nothing of the body."""
    signature = RequestValidator(TOKEN).compute_signature(URL, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    request = CallbackRequest("POST", URL, headers, JSON)
    assert not is_accepted(TwilioVerifier([TOKEN]), request)


def test_an_unknown_algorithm_is_refused() -> None:
    request = form_request()
    settings = {"x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_MD5"}
    forged = replace(request, headers={**request.headers, **settings})
    assert not is_accepted(TwilioVerifier([TOKEN]), forged)


def test_the_host_header_decides_nothing() -> None:
    request = form_request()
    headers = {**request.headers, "host": "evil.example", "x-forwarded-host": "evil.example"}
    assert is_accepted(TwilioVerifier([TOKEN]), replace(request, headers=headers))


def test_a_form_of_too_many_fields_is_refused() -> None:
    request = replace(form_request(), body=b"&".join([b"a=1"] * 1_001))
    assert TwilioVerifier([TOKEN]).verify(request, None) is RefusalReason.FORGED  # type: ignore[arg-type]


@pytest.mark.parametrize("secrets", [[], [""], [TOKEN, ""]])
def test_an_empty_secret_is_a_mistake(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        TwilioVerifier(secrets)
