"""Whatever a message says arrives bit for bit, and becomes nothing but text."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from defusedxml import ElementTree
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaign_providers.http.requests.values import Unsendable
from campaign_providers.http.requests.writer import RequestWriter
from tests.support.odd_text import ODD
from tests.unit.providers.gateways import Outbound, gateway, read

HOSTILE = st.sampled_from(
    [
        *("\0", "\r\n", "\n", "\r", "{to}", "{{phone}}", "{body}", "{secret.token}", "%s", "%(x)b"),
        *("]]>", "<!--", "</text>", "&amp;", "&#0;", '","x":"', "&to=1", "=", "#", "?", "%2E%2E"),
        *("Content-Length: 0", "\r\n\r\nPOST / HTTP/1.1\r\n\r\n", "\ufffe", "\x01", "\x80"),
    ]
)
ANY_TEXT = st.lists(
    st.one_of(HOSTILE, ODD, st.characters(exclude_categories=["Cs"])), max_size=20
).map("".join)


JSON = RequestWriter(
    gateway(
        Body={
            "Type": "json",
            "Json": {"m": [{"to": "{phone}", "text": "{body}"}], "t": "a {body} b"},
        },
    ),
    {},
)
FORM = RequestWriter(
    gateway(Body={"Type": "form", "Form": {"To": "{phone}", "Body": "{body}", "t": "a {body} b"}}),
    {},
)
QUERY = RequestWriter(
    gateway(
        Method="GET",
        Url="https://gateway.example/send?u={body}&fixed=1",
        Body={"Type": "query", "Query": {"to": "{phone}", "text": "{body}"}},
    ),
    {},
)
XML = RequestWriter(
    gateway(
        Body={"Type": "xml", "Xml": '<sms to="{phone}" title="{body}"><text>{body}</text></sms>'}
    ),
    {},
)
HEX = RequestWriter(gateway(Body={"Type": "form", "Form": {"hex": "{hex_ucs2}"}}), {})
LATER = RequestWriter(
    gateway(Body={"Type": "json", "Json": {"from": "{from}", "l": ["{body}"], "t": "a {body} b"}}),
    {},
)


def outbound(text: str) -> Outbound:
    return Outbound(body=text)


@given(ANY_TEXT)
@example("")
@settings(max_examples=100, deadline=None)
def test_json_carries_any_text(text: str) -> None:
    request = read(JSON.write(outbound(text)))
    assert json.loads(request.body) == {
        "m": [{"to": "4915112345678", "text": text}],
        "t": f"a {text} b",
    }


@given(ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_json_with_leaves_left_out_carries_any_text(text: str) -> None:
    request = read(LATER.write(outbound(text)))
    assert json.loads(request.body) == {"l": [text], "t": f"a {text} b"}


@given(ANY_TEXT)
@example("")
@settings(max_examples=100, deadline=None)
def test_a_form_carries_any_text(text: str) -> None:
    request = read(FORM.write(outbound(text)))
    fields = parse_qsl(
        request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, separator="&"
    )
    assert fields == [("To", "4915112345678"), ("Body", text), ("t", f"a {text} b")]


@given(ANY_TEXT)
@example("")
@settings(max_examples=100, deadline=None)
def test_a_query_carries_any_text(text: str) -> None:
    request = read(QUERY.write(outbound(text)))
    assert (request.method, request.body) == ("GET", b"")
    path, _, query = request.path.partition("?")
    assert path == "/send"
    assert urlsplit(f"https://a{request.path}").fragment == ""
    fields = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    assert fields == [("u", text), ("fixed", "1"), ("to", "4915112345678"), ("text", text)]


@given(ANY_TEXT)
@example("")
@settings(max_examples=200, deadline=None)
def test_xml_carries_what_xml_can_carry(text: str) -> None:
    """Characters that XML 1.0 has no form for are refused, and never sent otherwise."""
    if all(is_character_of_xml(each) for each in text):
        root = ElementTree.fromstring(read(XML.write(outbound(text))).body.decode())
        assert (root.tag, root.attrib) == ("sms", {"to": "4915112345678", "title": text})
        assert [(child.tag, child.text or "") for child in root] == [("text", text)]
    else:
        with pytest.raises(Unsendable, match="character_not_in_xml"):
            XML.write(outbound(text))


def is_character_of_xml(character: str) -> bool:
    """XML 1.0, section 2.2, production 2."""
    code = ord(character)
    return (
        code in (0x9, 0xA, 0xD)
        or 0x20 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )


@given(ANY_TEXT)
@settings(max_examples=100, deadline=None)
def test_hexadecimal_digits_carry_any_text(text: str) -> None:
    request = read(HEX.write(outbound(text)))
    digits = request.body.decode("ascii").removeprefix("hex=")
    assert bytes.fromhex(digits).decode("utf-16-be") == text
