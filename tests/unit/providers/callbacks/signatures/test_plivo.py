"""Plivo's own validator and ours say the same."""

from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import pytest
from plivo.exceptions import ValidationError
from plivo.utils.signature_v3 import (
    construct_get_url,
    construct_post_url,
    get_signature_v3,
    validate_v3_signature,
)

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest, RefusalReason
from campaign_providers.callbacks.signatures.plivo import PlivoVerifier
from tests.unit.providers.callbacks.signatures.mutations import disagreements, is_accepted

TOKEN, OTHER = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5", "T3RoZXI"
BASE = "https://camp.example.com/v1/callbacks/plivo"
URL = f"{BASE}?m=AAQAAAARAAAABTuaygFIgCwXtbK6pzh_2MY&b=2&b=1"
NONCE = "12345678901234567890"
FIELDS = {
    "MessageUUID": "db3ce55a-7f1d-11e1-8ea7-1231380bc196",
    "Status": "delivered",
    "To": "14155550100",
    "Text": "grüße & mehr",
    "Parts": ["b", "a"],
    "ErrorCode": "",
}


def signed(
    method: str = "POST", url: str = URL, fields: object = FIELDS, token: str = TOKEN
) -> CallbackRequest:
    """A request that is signed by Plivo's own code."""
    if method == "GET":
        address = construct_get_url(url, {}).decode()
    else:
        address = construct_post_url(url, fields).decode()
    signature = get_signature_v3(token.encode(), address, NONCE.encode()).decode()
    headers = {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": NONCE}
    body = b"" if method == "GET" else urlencode(fields, doseq=True).encode()  # type: ignore[arg-type]
    return CallbackRequest(method, url, headers, body)


def vendor(request: CallbackRequest) -> bool:
    """Plivo's verdict; a field that is there once is a text, as frameworks give it."""
    fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    params = {name: each if len(each) > 1 else each[0] for name, each in fields.items()}
    try:
        return bool(
            validate_v3_signature(
                request.method,
                request.url,
                request.headers.get("x-plivo-signature-v3-nonce", ""),
                TOKEN,
                request.headers.get("x-plivo-signature-v3", ""),
                params,
            )
        )
    except (ValidationError, UnicodeEncodeError):
        return False


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(signed(), id="form and query"),
        pytest.param(signed(url=BASE), id="form alone"),
        pytest.param(signed(fields={}), id="query alone"),
    ],
)
def test_plivo_and_we_agree_on_mangled_requests(request_: CallbackRequest) -> None:
    assert disagreements(PlivoVerifier([TOKEN]), request_, vendor) == []


@pytest.mark.parametrize("url", [URL, BASE])
def test_a_get_is_signed_with_its_sorted_query(url: str) -> None:
    request = signed("GET", url)
    assert vendor(request)
    assert is_accepted(PlivoVerifier([TOKEN]), request)
    assert not is_accepted(PlivoVerifier([TOKEN]), replace(request, body=b"Status=read"))


def test_both_tokens_and_every_signature_count() -> None:
    assert is_accepted(PlivoVerifier([OTHER, TOKEN]), signed())
    assert is_accepted(PlivoVerifier([OTHER, TOKEN]), signed(token=OTHER))
    request = signed()
    several = f"{signed(token='third').headers['x-plivo-signature-v3']},"
    several += request.headers["x-plivo-signature-v3"]
    headers = {**request.headers, "x-plivo-signature-v3": several}
    assert vendor(replace(request, headers=headers))
    assert is_accepted(PlivoVerifier([TOKEN]), replace(request, headers=headers))


def test_a_request_without_nonce_is_unsigned() -> None:
    request = replace(signed(), headers={"x-plivo-signature-v3": "a"})
    reason = PlivoVerifier([TOKEN]).verify(request, CallbackPurpose.RECEIPTS)
    assert reason is RefusalReason.UNSIGNED
