"""Requests as a check shows them: as they go out, without secrets and without the number."""

import re
from base64 import b64encode

import pytest

from campaign_providers.check import LONGEST_SHOWN, CheckImpossible, ShownRequest
from campaign_providers.http import HttpCheck
from tests.unit.providers.gateways import URL, Outbound, gateway

SID, TOKEN = "AC0123/4.5", "t0k&n \"<secret>' %41+"
SECRETS = {"sid": {"Value": SID}, "token": {"Value": TOKEN}}
PHONE = "4915112345678"
OPEN = {"Type": "json", "Json": {"to": "{phone}", "text": "{body}"}}


def shown(message: Outbound | None = None, **keys: object) -> ShownRequest:
    settings = gateway(**{"Secrets": SECRETS, "Body": OPEN, **keys})
    request = HttpCheck("gateway", settings).prepare(message or Outbound()).request
    assert request is not None
    return request


def as_text(request: ShownRequest) -> str:
    headers = [f"{header.name}: {header.value}" for header in request.headers]
    return "\n".join([f"{request.method} {request.url}", *headers, "", request.body])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(
            {"Url": "https://gateway.example/{secret.sid}/x?k={secret.token}"},
            "https://gateway.example/MASKED/x?k=MASKED",
            id="secrets in path and query",
        ),
        pytest.param(
            {"Url": "https://gateway.example/send?to={phone}&apikey=hidden&user=me"},
            "/send?to=***********78&apikey=MASKED&user=me",
            id="constant of the query that its name gives away",
        ),
        pytest.param(
            {"Url": "https://gateway.example/hooks/B0123hiddenhidden456789/x"},
            "https://gateway.example/hooks/MASKED/x",
            id="constant segment that only a token can be",
        ),
        pytest.param(
            {"Headers": {"X-Credential": "hiddenhidden1"}},
            "X-Credential: MASKED",
            id="constant in a header of credentials",
        ),
        pytest.param(
            {"Headers": {"X-Token": "hiddenhidden1:{key}"}},
            "X-Token: MASKED:",
            id="constant beside a value of the message",
        ),
        pytest.param(
            {"Body": {"Type": "json", "Json": {"auth": {"a": "hidden"}, "text": "{body}"}}},
            '"auth":{"a":"MASKED"}',
            id="constant below a name that gives it away",
        ),
        pytest.param(
            {"Url": "https://gateway.example/bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5/x"},
            "https://gateway.example/MASKED/x",
            id="token with a colon in the path",
        ),
        pytest.param(
            {"Headers": {"Authorization": "App {secret.token}"}},
            "Authorization: App MASKED",
            id="secret in a header",
        ),
        pytest.param(
            {"Headers": {"authorization": "Bearer hidden"}},
            "authorization: MASKED",
            id="constant in a credential header",
        ),
        pytest.param(
            {"Headers": {"Authorization": "Key hidden{secret.token}"}},
            "Authorization: MASKED",
            id="constant beside a secret",
        ),
        pytest.param({"Headers": {"X-Api-Key": "hidden"}}, "X-Api-Key: MASKED", id="api key"),
        pytest.param(
            {"Headers": {"X-Custom": "{secret.token}"}}, "X-Custom: MASKED", id="any header"
        ),
        pytest.param(
            {"Headers": {"Idempotency-Key": "{key}"}},
            "Idempotency-Key: 7-5-0",
            id="a key that is no credential",
        ),
        pytest.param(
            {"Basic": {"User": "{secret.sid}", "Password": "{secret.token}"}},
            "Authorization: Basic MASKED",
            id="basic auth of secrets",
        ),
        pytest.param(
            {"Basic": {"User": "me", "Password": "hidden"}},
            "Authorization: Basic MASKED",
            id="basic auth of constants",
        ),
        pytest.param(
            {
                "Body": {
                    "Type": "json",
                    "Json": {"k": "{secret.token}", "a": [{"pin": 1234}, "{body}"]},
                }
            },
            '{"k":"MASKED","a":[{"pin":"MASKED"},"hi"]}',
            id="json, escaped and numbers",
        ),
        pytest.param(
            {"Body": {"Type": "json", "Json": {"auth": {"token": "hidden", "user": "{body}"}}}},
            '{"auth":{"token":"MASKED","user":"hi"}}',
            id="constant in json",
        ),
        pytest.param(
            {
                "Body": {
                    "Type": "json",
                    "Json": [
                        {"name": "api_key", "value": "hidden"},
                        {"name": "to", "value": "you", "text": "{body}"},
                    ],
                }
            },
            '[{"name":"api_key","value":"MASKED"},{"name":"to","value":"you","text":"hi"}]',
            id="constant in json that another key names",
        ),
        pytest.param(
            {
                "Body": {
                    "Type": "form",
                    "Form": {"t": "{secret.token}", "password": "hidden", "x": "{body}"},
                }
            },
            "t=MASKED&password=MASKED&x=hi",
            id="form, percent-encoded",
        ),
        pytest.param(
            {
                "Body": {
                    "Type": "query",
                    "Query": {"t": "{secret.token}", "api_key": "hidden", "x": "{body}"},
                }
            },
            "?t=MASKED&api_key=MASKED&x=hi",
            id="body in the query",
        ),
        pytest.param(
            {
                "Body": {
                    "Type": "xml",
                    "Xml": '<r key="1" apiKey="hidden"><Password>hidden</Password>'
                    "<t>{secret.token}</t>{body}</r>",
                }
            },
            '<r key="1" apiKey="MASKED"><Password>MASKED</Password><t>MASKED</t>hi</r>',
            id="xml, elements and attributes",
        ),
    ],
)
def test_a_request_is_shown_without_its_secrets(keys: dict[str, object], expected: str) -> None:
    text = as_text(shown(**keys))
    assert expected in text
    for secret in ("hidden", "1234,", "t0k", "AC0123"):
        assert secret not in text.replace(PHONE, "")


def test_a_secret_that_is_a_constant_elsewhere_is_masked_too() -> None:
    secrets = {"token": {"Value": "sk-live-77"}}
    tree = {"a": "{secret.token}", "b": "token sk-live-77, {body}"}
    body = shown(Secrets=secrets, Body={"Type": "json", "Json": tree}).body
    assert body == '{"a":"MASKED","b":"token MASKED, hi"}'


def test_a_signed_request_shows_no_signature_and_no_key() -> None:
    sign = {
        "Type": "aws-sigv4",
        "Service": "sms-voice",
        "Region": "eu-central-1",
        "AccessKey": "AKIAHIDDEN",
        "SecretKey": "{secret.token}",
    }
    (authorization,) = (
        header.value for header in shown(Sign=sign).headers if header.name == "Authorization"
    )
    assert re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=MASKED/\d{8}/eu-central-1/sms-voice/aws4_request, "
        r"SignedHeaders=[a-z;-]+, Signature=MASKED",
        authorization,
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{phone}", "***********78"),
        ("{phone.plus}", "+***********78"),
        ("{phone.national}", "*********78"),
        ("call 0151 12345678", "call 0*********78"),
        ("+49 (151) 123-456-78 is it", "+***********78 is it"),
    ],
)
def test_the_number_is_masked_in_every_form(template: str, expected: str) -> None:
    body = shown(Body={"Type": "json", "Json": {"v": template, "text": "{body}"}}).body
    assert body == f'{{"v":"{expected}","text":"hi"}}'


def test_the_length_is_that_of_the_request_itself() -> None:
    tree = {"token": "{secret.token}", "to": "{phone}", "text": "{body}"}
    request = shown(Body={"Type": "json", "Json": tree}, Url=URL)
    (length,) = (int(each.value) for each in request.headers if each.name == "Content-Length")
    hidden = (len(TOKEN) + 1 - len("MASKED")) + (len(PHONE) - len("***********78"))
    assert length == len(request.body) + hidden, "one character of the secret is escaped"


def test_a_long_body_is_cut() -> None:
    body = shown(Outbound(body="ü" * LONGEST_SHOWN)).body
    assert LONGEST_SHOWN - 2 <= len(body.encode()) <= LONGEST_SHOWN


@pytest.mark.parametrize(
    ("keys", "message", "reason"),
    [
        ({"MaxLength": 1}, Outbound(), "too_long"),
        ({}, Outbound(template_name="hi"), "takes no such content in the configuration of the se"),
        ({}, Outbound(originator="Shop"), "takes no such content"),
        ({"Secrets": {"t": {"File": "/nowhere/t"}}}, Outbound(), "secret t, /nowhere/t: No such"),
    ],
)
def test_what_has_no_request_says_why(
    keys: dict[str, object], message: Outbound, reason: str
) -> None:
    with pytest.raises(CheckImpossible, match=reason):
        shown(message, **keys)


def test_the_account_is_that_of_the_provider_itself() -> None:
    """A success of the check ends the refusal of the account that it was made with."""
    basic = {"User": "me", "Password": "{secret.token}"}
    first, second = (
        HttpCheck("g", gateway(Secrets={"token": {"Value": token}}, Basic=basic, Body=OPEN), b"k")
        .prepare(Outbound())
        .account
        for token in ("one", "two")
    )
    assert first
    assert first != second


def test_basic_auth_is_no_part_of_what_is_kept() -> None:
    encoded = b64encode(f"{SID}:{TOKEN}".encode()).decode()
    basic = {"User": "{secret.sid}", "Password": "{secret.token}"}
    tree = {"a": encoded, "text": "{body}"}
    assert shown(Basic=basic, Body={"Type": "json", "Json": tree}).body.startswith('{"a":"MASKED')
