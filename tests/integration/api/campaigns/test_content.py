"""Content other than a plain text, from the request to the messages that people look at."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.campaigns import trial_messages
from campaign_common.database import Database, Databases
from campaign_common.settings import HttpSettings, Settings, load_settings
from campaign_common.store.core.contents import GUARD
from tests.integration.api.drafted import PATH, body, events, made, post, problem
from tests.integration.api.stored import add_list, change, rows, value
from tests.support.sample import SAMPLE

ORDER: dict[str, Any] = {
    "kind": "template",
    "name": "order_1",
    "language": "de",
    "parts": ["{name|you}", "{city|town}"],
}
NEW: dict[str, Any] = {"name": "spring", "recipient_list_id": 1}


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {"city": "Oslo"}), ("13961467501", "", {})])


def make(client: FlaskClient, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = client.post(PATH, json={**NEW, **fields})
    assert answer.status_code == 201, answer.text
    return body(answer)


def content_of(campaign: dict[str, Any]) -> tuple[Any, ...]:
    return campaign["template"], campaign["content"], campaign["from"]


def test_a_text_is_the_same_in_both_its_forms(client: FlaskClient, pool: Database) -> None:
    plain = {"kind": "text", "template": "hi {name}"}
    for fields in ({"template": "hi {name}"}, {"content": plain}):
        assert content_of(make(client, **fields)) == ("hi {name}", plain, None)
    stored = rows(pool, "SELECT template, content FROM campaigns")
    assert stored == [("hi {name}", None)] * 2


def test_other_content_is_read_as_it_was_given(client: FlaskClient, pool: Database) -> None:
    campaign = make(client, content=ORDER, **{"from": "106540352242922"})
    assert content_of(campaign) == (None, ORDER, "106540352242922")
    # 0.2.0 reads this column.
    assert value(pool, "SELECT template FROM campaigns") == GUARD
    cloned = client.post(f"{PATH}/{campaign['id']}/clone")
    assert content_of(body(cloned)) == content_of(campaign)


def test_content_and_originator_are_changed_like_other_fields(
    client: FlaskClient, pool: Database
) -> None:
    campaign = made(client)
    path = f"{PATH}/{campaign['id']}"
    for changes, reason in (
        ({"from": "Shop"}, "changed from"),
        ({"content": ORDER}, "changed content"),
        ({"from": None}, "changed from"),
        ({"template": "hi {name}"}, "changed template"),
    ):
        tag = client.get(path).headers["ETag"]
        changed = client.patch(path, json=changes, headers={"If-Match": tag})
        assert changed.status_code == 200, changed.text
        assert {name: body(changed)[name] for name in changes} == changes
        assert client.patch(path, json=changes).status_code == 200
        assert events(pool, campaign["id"])[-1][3] == reason
    assert len(events(pool, campaign["id"])) == 5
    assert body(client.get(path)) == campaign


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"template": "is missing"}),
        ({"template": "hi", "content": ORDER}, {"template": "must not be given beside content"}),
        ({"content": {"kind": "voice"}}, {"content.kind": "must be one of text, template"}),
        ({"content": {"kind": "text"}}, {"content.template": "is missing"}),
        ({"content": {**ORDER, "template": "hi"}}, {"content.template": "is no field of kind"}),
        ({"content": {**ORDER, "parts": [""]}}, {"content.parts.0": "must have 1 to 16000"}),
        ({"content": {**ORDER, "parts": ["x"] * 51}}, {"content.parts": "must have at most 50"}),
        ({"content": {**ORDER, "language": "German!"}}, {"content.language": "must be a language"}),
        ({"content": {**ORDER, "language": "de\n"}}, {"content.language": "must be a language"}),
        ({"content": {**ORDER, "name": " \n"}}, {"content.name": "must not be blank"}),
        ({"content": {**ORDER, "parts": ["hi", "{town}"]}}, {"content.parts.1": "names {town}"}),
        ({"content": {**ORDER, "parts": ["{"]}}, {"content.parts.0": "position 1: '{' without"}),
        (
            {"content": {**ORDER, "parts": ["x" * 9_000] * 2}},
            {"content.parts": "must have at most"},
        ),
        ({"template": "hi", "from": "much too long"}, {"from": "must have 1 to 11 characters"}),
    ],
)
def test_what_is_no_content_is_refused(
    client: FlaskClient, fields: dict[str, Any], wrong: dict[str, str]
) -> None:
    status, _, errors = problem(client.post(PATH, json={**NEW, **fields}))
    assert status == 422
    assert errors.keys() == wrong.keys()
    for field, message in wrong.items():
        assert message in errors[field]


WHATSAPP: dict[str, Any] = {
    "Kind": "http",
    "Url": "https://graph.example.com/messages",
    "Body": {
        "Type": "json",
        "Json": {
            "to": "{phone}",
            "name": "{template.name}",
            "language": "{template.language}",
            "parts": ["{parts.0}", "{parts.1}"],
        },
    },
}
SMS: dict[str, Any] = {
    "Kind": "http",
    "Url": "https://sms.example.com/",
    "MaxLength": 10,
    "Body": {"Type": "form", "Form": {"to": "{phone}", "text": "{body}", "from": "{from}"}},
}


@pytest.fixture
def with_providers(settings: Settings, pool: Database, tmp_path: Path) -> FlaskClient:
    path = tmp_path / "providers.yaml"
    path.write_text(SAMPLE + yaml.safe_dump({"Providers": {"whatsapp": WHATSAPP, "sms": SMS}}))
    providers = load_settings(path, {}).providers
    return create_app(replace(settings, providers=providers), Databases((pool,))).test_client()


@pytest.mark.parametrize(
    ("provider", "fields", "refusal"),
    [
        ("whatsapp", {"content": ORDER}, {}),
        ("sms", {"template": "hi {name}", "from": "Shop"}, {}),
        ("sms", {"content": ORDER}, {"content": "provider sms takes content of kind text only"}),
        (
            "whatsapp",
            {"template": "hi"},
            {"content": "provider whatsapp takes content of kind template only"},
        ),
        (
            "whatsapp",
            {"content": ORDER, "from": "Shop"},
            {"from": "provider whatsapp has no place for an originator"},
        ),
        (
            "whatsapp",
            {"content": {**ORDER, "parts": ["x"] * 3}},
            {"content.parts": "provider whatsapp takes at most 2 parts"},
        ),
        (
            "telegraph",
            {"content": ORDER},
            {"provider": "telegraph is not configured; there are simulated, sms, whatsapp"},
        ),
    ],
)
def test_a_provider_takes_what_its_templates_have_a_place_for(
    with_providers: FlaskClient, provider: str, fields: dict[str, Any], refusal: dict[str, str]
) -> None:
    answer = with_providers.post(PATH, json={**NEW, **fields, "provider": provider})
    if refusal:
        assert problem(answer)[2] == refusal
    else:
        assert answer.status_code == 201


@pytest.fixture
def with_http(settings: Settings, pool: Database) -> FlaskClient:
    http = HttpSettings(url="https://sms.example.com/messages")
    return create_app(replace(settings, http=http), Databases((pool,))).test_client()


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"content": ORDER}, "content", "provider http takes content of kind text only"),
        (
            {"template": "hi", "from": "Shop"},
            "from",
            "provider http has no place for an originator",
        ),
    ],
)
def test_a_provider_that_does_not_take_it_is_refused(
    with_http: FlaskClient, pool: Database, fields: dict[str, Any], field: str, message: str
) -> None:
    """When the campaign is made or changed, and where it was made before, in everything after."""
    refused = with_http.post(PATH, json={**NEW, **fields, "provider": "http"})
    assert problem(refused) == (422, "invalid-fields", {field: message})
    path = f"{PATH}/{make(with_http, **fields)['id']}"
    assert problem(with_http.patch(path, json={"provider": "http"}))[2] == {field: message}
    change(pool, "UPDATE campaigns SET provider = 'http'")
    for verb, request in (("clone", {}), ("test", {"phone": "13961467500"})):
        assert problem(with_http.post(f"{path}/{verb}", json=request))[2] == {field: message}
    assert body(with_http.post(f"{path}/dry-run"))["provider"]["problem"] == message


def test_a_preview_shows_the_parts(client: FlaskClient) -> None:
    campaign_id = make(client, content=ORDER)["id"]
    shown = body(client.post(f"{PATH}/{campaign_id}/preview"))["messages"]
    ann = {"seq": 1, "phone": "13961467500", "body": None, "parts": ["Ann", "Oslo"]}
    assert shown[0] == {**ann, "characters": 7, "encoding": None, "segments": 1}
    assert shown[1]["parts"] == ["you", "town"]


def test_a_dry_run_counts_each_message_once(client: FlaskClient) -> None:
    found = body(client.post(f"{PATH}/{make(client, content=ORDER)['id']}/dry-run"))
    assert (found["recipients"], found["segments"], found["max_segments"]) == (2, 2, 1)
    assert {cost["messages"] for cost in found["encodings"].values()} == {0}
    assert found["missing_values"] == [
        {"placeholder": "city", "messages": 1},
        {"placeholder": "name", "messages": 1},
    ]


def test_a_test_message_has_the_content_of_the_campaign(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_messages, "WAIT", 0.0)
    campaign_id = make(client, content=ORDER, **{"from": "Shop"})["id"]
    request = {"phone": "13961467500", "attributes": {"city": "Ulm"}}
    answer = body(client.post(f"{PATH}/{campaign_id}/test", json=request))
    assert (answer["body"], answer["parts"], answer["from"]) == (None, ["you", "Ulm"], "Shop")
    assert answer["provider"] == "simulated"


def test_a_listing_is_without_content(client: FlaskClient) -> None:
    make(client, content=ORDER)
    (summary,) = body(client.get(PATH))["campaigns"]
    assert "content" not in summary
    assert post(client, **{"from": None}).status_code == 201
