"""Requests as the configuration describes them."""

import time
from base64 import b64encode
from datetime import datetime

import pytest

from campaign_common.settings.fields.templates import PLACEHOLDERS, VARYING
from campaign_providers.http.requests.values import Unsendable
from campaign_providers.http.requests.writer import RequestWriter
from tests.unit.providers.gateways import URL, Outbound, gateway, written
from tests.unit.sender.messages import message

UCS2 = "Grüße 😀"
UCS2_HEX = UCS2.encode("utf-16-be").hex().upper()


def value(template: str, message: Outbound, **keys: object) -> object:
    """Return what a template becomes as a leaf of JSON."""
    return written(message, Body={"Type": "json", "Json": {"x": template}}, **keys).json.get("x")


@pytest.mark.parametrize(
    ("template", "message", "expected"),
    [
        ("{phone}", Outbound(), "4915112345678"),
        ("{phone.plus}", Outbound(), "+4915112345678"),
        ("{phone.national}", Outbound(), "15112345678"),
        ("{phone.national}", Outbound(phone="390612345678"), "0612345678"),
        ("{body}", Outbound(body="a{b}"), "a{b}"),
        ("{key}", Outbound(), "7-5-0"),
        ("{reference}", Outbound(), "7-5-0"),
        ("{campaign_id}", Outbound(), 7),
        ("{seq}", Outbound(), 5),
        ("n{seq}", Outbound(), "n5"),
        ("{segments}", Outbound(body="x" * 161), 2),
        ("{coding}", Outbound(), "gsm7"),
        ("{coding}", Outbound(body=UCS2), "ucs2"),
        ("{coding}", Outbound(body="`"), "ucs2"),
        ("{coding}", Outbound(body="a\nb"), "gsm7"),
        ("{hex_ucs2}", Outbound(body="A"), "0041"),
        ("{expires_in}", Outbound(expires_in=90.9), 90),
        ("{expires_in}", Outbound(expires_in=0.2), 1),
        ("{expires_in}", Outbound(), None),
        ("{from}", Outbound(), None),
        ("{from}", Outbound(originator="Own"), "Own"),
        ("by {from}.", Outbound(), "by ."),
        ("{parts.1}", Outbound(parts=("a", "b")), "b"),
        ("{parts.1}", Outbound(parts=("a",)), None),
        ("{{{seq}}}", Outbound(), "{5}"),
        ("{{seq}}", Outbound(), "{seq}"),
        ("", Outbound(), ""),
    ],
)
def test_a_placeholder_stands_for_its_value(
    template: str, message: Outbound, expected: object
) -> None:
    assert value(template, message) == expected


def test_the_providers_own_sender_stands_where_there_is_no_other() -> None:
    assert value("{from}", Outbound(), From="ACME") == "ACME"
    assert value("{from}", Outbound(originator="Own"), From="ACME") == "Own"
    assert value("{from}", Outbound(), From=49123) == "49123"


def test_now_is_the_moment_at_which_the_request_is_made() -> None:
    """It is a text in RFC 3339, or a number; a later request of the message has a later one."""
    leaves = {"s": "{now.unix}", "ms": "{now.unix_ms}", "text": "{now}"}
    body = {"Type": "json", "Json": leaves}
    began = time.time_ns() // 1_000_000
    made = written(Outbound(), Headers={"X-Time": "{now}"}, Body=body)
    ended = time.time_ns() // 1_000_000
    assert began <= made.json["ms"] <= ended
    assert began // 1_000 <= made.json["s"] <= ended // 1_000
    for text in (made.headers["x-time"], made.json["text"]):
        assert text.endswith("Z")
        assert began <= round(datetime.fromisoformat(text).timestamp() * 1_000) <= ended
    time.sleep(0.002)
    assert written(Outbound(), Body=body).json["ms"] > made.json["ms"]


def test_constants_of_json_keep_their_types() -> None:
    tree = {"a": [1, 2.5, True, None, "x", {}], "b": {"c": "{phone}"}, "d": []}
    request = written(Outbound(), Body={"Type": "json", "Json": tree})
    assert request.json == {**tree, "b": {"c": "4915112345678"}}


def test_a_list_holds_as_many_items_as_a_message_has_parts() -> None:
    tree = {"p": [{"type": "text", "text": f"{{parts.{n}}}"} for n in range(4)], "q": ["{parts.0}"]}
    body = {"Type": "json", "Json": tree}
    assert written(Outbound(), Body=body).json == {"p": [], "q": []}
    assert written(Outbound(parts=("a", "b")), Body=body).json == {
        "p": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "q": ["a"],
    }
    with pytest.raises(Unsendable, match="too_many_parts"):
        written(Outbound(parts=("a",) * 5), Body=body)


def test_a_text_has_no_template_and_a_template_no_text() -> None:
    body = {
        "Type": "json",
        "Json": {"text": "{body}", "template": {"name": "{template.name}"}},
    }
    assert written(Outbound(body="hi"), Body=body).json == {"text": "hi", "template": {}}
    template = Outbound(body="", template_name="order")
    assert written(template, Body=body).json == {"template": {"name": "order"}}


@pytest.mark.parametrize(
    ("ucs2_as", "text", "expected"),
    [
        ("text", "hi", {"content": "hi", "hex": "00680069"}),
        ("text", UCS2, {"content": UCS2, "hex": UCS2_HEX}),
        ("hex", "hi", {"content": "hi", "hex": "00680069"}),
        ("hex", UCS2, {"content": UCS2_HEX, "hex": UCS2_HEX}),
        ("separate", "hi", {"content": "hi"}),
        ("separate", UCS2, {"hex": UCS2_HEX}),
    ],
)
def test_ucs2_goes_out_as_text_or_hexadecimal_digits(
    ucs2_as: str, text: str, expected: object
) -> None:
    body = {"Type": "json", "Json": {"content": "{body}", "hex": "{hex_ucs2}"}}
    request = written(Outbound(body=text), Body=body, Encoding={"Ucs2As": ucs2_as})
    assert request.json == expected


def test_the_words_of_codings_are_configured() -> None:
    keys = {"Coding": {"gsm7": 0, "ucs2": "8"}, "Body": {"Type": "form", "Form": {"c": "{coding}"}}}
    assert written(Outbound(), **keys).body == b"c=0"
    assert written(Outbound(body=UCS2), **keys).body == b"c=8"


def test_a_field_without_a_value_is_left_out() -> None:
    form = {"from": "{from}", "to": "{phone}", "ttl": "{expires_in}"}
    body = {"Type": "form", "Form": form}
    assert written(Outbound(), Body=body).body == b"to=4915112345678"
    everything = written(Outbound(originator="A B", expires_in=60.0), Body=body)
    assert everything.body == b"from=A%20B&to=4915112345678&ttl=60"


def test_a_later_try_is_the_same_request() -> None:
    """Under one key, byte for byte; what changes with time is refused with such keys."""
    names = sorted(PLACEHOLDERS - VARYING)
    keys = {
        "Idempotent": {"For": "24h"},
        "Url": f"{URL}/{{phone}}?seq={{seq}}",
        "Headers": {"Idempotency-Key": "{key}"},
        "Body": {"Type": "json", "Json": {name: f"{{{name}}}" for name in names}},
    }
    writer = RequestWriter(gateway(**keys), {})
    first = message()
    later = message(try_number=7, attempts=3, offset=99, campaign_epoch=9, map_version=4)
    first.expires_at, later.expires_at = 2e9, 1e9
    later.in_doubt = later.replaces = True
    assert writer.write(first) == writer.write(later)


def test_secrets_stand_in_url_headers_and_body() -> None:
    request = written(
        Outbound(),
        {"sid": "A/C?1", "token": 's"3'},
        Url="https://gateway.example/{secret.sid}/send?key={secret.token}&to={phone.plus}",
        Secrets={"sid": {"Value": "x"}, "token": {"Value": "x"}},
        Headers={"Authorization": "App {secret.token}"},
        Body={"Type": "json", "Json": {"token": "{secret.token}", "text": "t {secret.token}"}},
    )
    assert request.path == "/A%2FC%3F1/send?key=s%223&to=%2B4915112345678"
    assert request.headers["authorization"] == 'App s"3'
    assert request.json == {"token": 's"3', "text": 't s"3'}


@pytest.mark.parametrize("secret", ["..", ".", "a/../b", "%2e%2e"])
def test_a_value_is_one_segment_of_a_path(secret: str) -> None:
    request = written(
        Outbound(),
        {"sid": secret},
        Url="https://gateway.example/a/{secret.sid}/send",
        Secrets={"sid": {"Value": "x"}},
    )
    assert request.path.count("/") == 3
    assert request.path.split("/")[2].replace("%2E", "").find(".") == -1


def test_basic_is_encoded() -> None:
    request = written(
        Outbound(),
        {"sid": "AC1", "token": "pä".encode().decode("latin-1")},
        Secrets={"sid": {"Value": "x"}, "token": {"Value": "x"}},
        Basic={"User": "{secret.sid}", "Password": "x{secret.token}"},
    )
    expected = b64encode("AC1:xpä".encode().decode("latin-1").encode()).decode()
    assert request.headers["authorization"] == f"Basic {expected}"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"Body": {"Type": "json", "Json": {}}}, ("POST", "application/json", b"{}")),
        (
            {"Method": "PUT", "Body": {"Type": "form", "Form": {"a": 1, "b": True}}},
            ("PUT", "application/x-www-form-urlencoded", b"a=1&b=true"),
        ),
        (
            {"Body": {"Type": "xml", "Xml": "<a>{seq}</a>"}},
            ("POST", "application/xml; charset=utf-8", b"<a>5</a>"),
        ),
        (
            {
                "Headers": {"content-TYPE": "application/x-amz-json-1.0"},
                "Body": {"Type": "json", "Json": {}},
            },
            ("POST", "application/x-amz-json-1.0", b"{}"),
        ),
        ({}, ("POST", None, b"")),
        ({"Method": "GET"}, ("GET", None, b"")),
    ],
)
def test_a_body_has_its_type_and_its_length(
    keys: dict[str, object], expected: tuple[str, str | None, bytes]
) -> None:
    request = written(Outbound(), **keys)
    content_type = request.headers.get("content-type")
    assert (request.method, content_type, request.body) == expected
    assert ("content-length" in request.headers) == (request.method != "GET")


def test_a_percent_sign_is_nothing_but_itself() -> None:
    request = written(
        Outbound(body="%s %d %%"),
        Url="https://gateway.example/100%25?q=%25&s=%s{seq}",
        Headers={"X-Rate": "100% {seq} %b"},
        Body={"Type": "form", "Form": {"%b": "%d {body}"}},
    )
    assert request.path == "/100%25?q=%25&s=%s5"
    assert request.headers["x-rate"] == "100% 5 %b"
    assert request.body == b"%25b=%25d%20%25s%20%25d%20%25%25"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (Outbound(body="x" * 11), "too_long"),
        (Outbound(phone="999"), "no_national_number"),
    ],
)
def test_a_message_without_a_form_is_not_sent(message: Outbound, code: str) -> None:
    body = {"Type": "json", "Json": {"to": "{phone.national}", "text": "{body}"}}
    assert written(Outbound(body="😀" * 10), Body=body, MaxLength=10).json["text"] == "😀" * 10
    with pytest.raises(Unsendable, match=code):
        written(message, Body=body, MaxLength=10)


TEMPLATE = {"name": "{template.name}", "text": "{body}", "hex": "{hex_ucs2}"}


def test_a_template_has_no_text_and_its_parts_have_places() -> None:
    body = {"Type": "json", "Json": {**TEMPLATE, "parts": ["{parts.0}"]}}
    order = Outbound(body="", template_name="order_1", template_language="de", parts=("Ann",))
    assert written(order, Body=body).json == {"name": "order_1", "parts": ["Ann"]}
    with pytest.raises(Unsendable, match="too_many_parts"):
        written(order, Body={"Type": "json", "Json": TEMPLATE})


@pytest.mark.parametrize(
    ("form", "kinds"),
    [
        ({"text": "{body}", "part": "{parts.0}"}, {"text"}),
        ({"text": "{hex_ucs2}", "name": "{template.name}"}, {"text", "template"}),
        ({"part": "{parts.0}"}, {"template"}),
        ({"language": "{template.language}"}, set()),
    ],
    ids=["parts-beside-a-text", "name-beside-a-text", "parts-alone", "no-place"],
)
def test_content_has_its_place_in_the_request(form: dict[str, str], kinds: set[str]) -> None:
    support = gateway(Body={"Type": "form", "Form": form}).content_support
    assert support.kinds == kinds


@pytest.mark.parametrize("phone", ["49\r\nX-Evil: 1", "49\n", "49\0", "4٩"])
def test_a_header_takes_no_line_break(phone: str) -> None:
    """A record that is no message of ours becomes no second header."""
    with pytest.raises(Unsendable, match="character_not_in_header"):
        written(Outbound(phone=phone), Headers={"X-To": "{phone}"})


def test_a_signed_request_is_signed_as_it_is_sent() -> None:
    request = written(
        Outbound(),
        {"id": "AKIDEXAMPLE", "key": "wJalr"},
        Secrets={"id": {"Value": "x"}, "key": {"Value": "x"}},
        Sign={
            "Type": "aws-sigv4",
            "Service": "sms-voice",
            "Region": "eu-central-1",
            "AccessKey": "{secret.id}",
            "SecretKey": "{secret.key}",
        },
        Body={"Type": "json", "Json": {"MessageBody": "{body}"}},
    )
    signature = request.headers["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/sms-voice/aws4_request, " in signature
    signed = signature.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert set(signed) == set(request.headers) - {"authorization", "content-length", "user-agent"}


SIGN = {
    "Type": "aws-sigv4",
    "Service": "sms-voice",
    "Region": "eu-central-1",
    "AccessKey": "AKIDEXAMPLE",
    "SecretKey": "secret",
}


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("a:b=c@d&e=%3a%20", "a%3Ab=c%40d&e=%3A%20"),
        ("at=/x/{phone}+1", "at=%2Fx%2F4915112345678%2B1"),
        ("flag&x=", "flag&x="),
    ],
)
def test_the_query_of_a_signed_url_has_one_form(query: str, sent: str) -> None:
    """The signed path is the one that is sent, percent-encoded as AWS encodes it."""
    url = f"https://gateway.example/send?{query}"
    assert written(Outbound(), Url=url, Sign=SIGN).path == f"/send?{sent}"


def test_the_query_of_another_url_is_sent_as_it_is() -> None:
    url = "https://gateway.example/send?a:b=c@d&e=%3a%20&at=/x/+1"
    assert written(Outbound(), Url=url).path == url.removeprefix("https://gateway.example")
