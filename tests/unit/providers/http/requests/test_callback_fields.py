"""Callback URLs and references in every place of a request."""

from typing import Any

import pytest
from marshmallow import ValidationError

from campaign_providers.contract import OutboundMessage
from campaign_providers.http.requests.writer import RequestWriter
from tests.unit.providers.gateways import Outbound, Request, gateway, read

BEFORE = "https://camp.example.com/a b/v1/callbacks/gate?m="
REFERENCE = "AAcFAAID-_x"
URL = BEFORE + REFERENCE
ESCAPED = "https%3A%2F%2Fcamp.example.com%2Fa%20b%2Fv1%2Fcallbacks%2Fgate%3Fm%3D" + REFERENCE


class References:
    """References that are the same for all messages."""

    def __init__(self, url_before: str | None = BEFORE) -> None:
        self.url_before = url_before
        self.made = 0

    def of(self, _: OutboundMessage) -> str:
        self.made += 1
        return REFERENCE


def written(references: References | None, **keys: object) -> Request:
    return read(RequestWriter(gateway(**keys), {}, references).write(Outbound()))


def json(tree: Any, **keys: object) -> dict[str, Any]:  # noqa: ANN401 - what JSON can hold
    return {"Body": {"Type": "json", "Json": tree}, **keys}


def form(**fields: str) -> dict[str, Any]:
    return {"Body": {"Type": "form", "Form": fields}}


def query(**fields: str) -> dict[str, Any]:
    return {"Method": "GET", "Body": {"Type": "query", "Query": fields}}


def xml(document: str) -> dict[str, Any]:
    return {"Body": {"Type": "xml", "Xml": document}}


@pytest.mark.parametrize(
    ("keys", "body"),
    [
        pytest.param(form(cb="{callback_url}"), f"cb={ESCAPED}", id="form"),
        pytest.param(
            form(cb="{callback_url}&s=%d", mask="{callbacks}31"),
            f"cb={ESCAPED}%26s%3D%25d&mask=31",
            id="form with more",
        ),
        pytest.param(json({"cb": "{callback_url}"}), f'{{"cb":"{URL}"}}', id="json"),
        pytest.param(
            json({"cb": ["{callback_url}&a=%s", "{callbacks}yes"]}),
            f'{{"cb":["{URL}&a=%s","yes"]}}',
            id="json with more",
        ),
        pytest.param(json("{callback_url}x"), f'"{URL}x"', id="json as a whole"),
        pytest.param(
            json({"r": "{reference}", "s": "{seq}"}), f'{{"r":"{REFERENCE}","s":5}}', id="reference"
        ),
        pytest.param(
            xml("<m cb='{callback_url}'>{reference}</m>"),
            f"<m cb='{URL}'>{REFERENCE}</m>",
            id="xml",
        ),
    ],
)
def test_a_body_has_them_in_its_own_form(keys: dict[str, Any], body: str) -> None:
    assert written(References(), **keys).body.decode() == body


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        pytest.param(query(cb="{callback_url}&s=%d"), f"?cb={ESCAPED}%26s%3D%25d", id="query"),
        pytest.param(
            {"Url": "https://gateway.example/send?a=b&cb={callback_url}", **form(a="b")},
            f"?a=b&cb={ESCAPED}",
            id="url",
        ),
        pytest.param(
            {"Url": "https://gateway.example/send/{reference}", **form(a="b")},
            f"/{REFERENCE}",
            id="path",
        ),
    ],
)
def test_a_url_has_them_percent_encoded(keys: dict[str, Any], path: str) -> None:
    assert written(References(), **keys).path == f"/send{path}"


def test_a_header_has_the_reference() -> None:
    keys = {"Headers": {"X-Reference": "r-{reference}"}, **form(a="b")}
    assert written(References(), **keys).headers["x-reference"] == f"r-{REFERENCE}"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        pytest.param({"a": "b", "cb": "{callback_url}"}, {"a": "b"}, id="key"),
        pytest.param({"a": "b", "cb": "{callback_url}&s=1"}, {"a": "b"}, id="key with more"),
        pytest.param({"a": {"b": {"cb": "{callback_url}"}}, "c": 1}, {"c": 1}, id="objects"),
        pytest.param({"a": ["{callback_url}", "b"]}, {"a": ["b"]}, id="item"),
        pytest.param({"a": [{"cb": "{callbacks}1"}], "c": 1}, {"c": 1}, id="list"),
        pytest.param({"a": {}, "b": [], "cb": "{callbacks}1"}, {"a": {}, "b": []}, id="empty ones"),
        pytest.param(
            {"w": {"cb": "{callback_url}", "d": "{reference}"}}, {"w": {"d": "7-5-0"}}, id="beside"
        ),
    ],
)
@pytest.mark.parametrize("references", [None, References(None)], ids=["no callbacks", "no urls"])
def test_without_urls_parts_of_json_are_left_out(
    given: dict[str, Any], left: dict[str, Any], references: References | None
) -> None:
    found = written(references, **json(given)).json
    of_key = {"w": {"d": REFERENCE}} if references and "w" in left else left
    assert found == of_key


@pytest.mark.parametrize(
    ("keys", "with_field", "without"),
    [
        pytest.param(form(a="b", cb="{callback_url}"), form(a="b", cb=URL), form(a="b"), id="form"),
        pytest.param(query(a="b", m="{callbacks}1"), query(a="b", m="1"), query(a="b"), id="query"),
        pytest.param(
            {"Url": "https://gateway.example/send?cb={callback_url}", **form(a="b")},
            {"Url": f"https://gateway.example/send?cb={ESCAPED}", **form(a="b")},
            form(a="b"),
            id="url",
        ),
        pytest.param(
            xml("<m a='{callback_url}'/>"), xml(f"<m a='{URL}'/>"), xml("<m a=''/>"), id="xml"
        ),
    ],
)
def test_a_field_is_there_with_urls_only(
    keys: dict[str, Any], with_field: dict[str, Any], without: dict[str, Any]
) -> None:
    """Each request is that of templates in which the URL was written, or left out, by hand."""
    assert written(References(), **keys) == written(None, **with_field)
    assert written(None, **keys) == written(None, **without)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"Headers": {"X-Url": "{callback_url}"}}, id="header"),
        pytest.param({"Url": "https://gateway.example/{callback_url}"}, id="path"),
        pytest.param({"Url": "https://gateway.example/a?{callback_url}=b"}, id="name"),
        pytest.param(json("{callback_url}"), id="all of the body"),
    ],
)
def test_there_is_no_place_for_a_url(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        gateway(**keys)


def test_nothing_is_made_that_is_not_sent() -> None:
    references = References()
    written(references, **form(a="{key}"))
    assert references.made == 0
