"""POST /v1/previews."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.settings import Settings
from tests.integration.api.stored import add_list, change, value
from tests.integration.api.unsubscribing.links import BASE, CALLBACKS, client_of

PATH = "/v1/previews"
ANN, BOB, EVE = "4917612345678", "4917612345679", "4917612345680"


def preview(client: FlaskClient, **wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = client.post(PATH, json=wanted)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json or {}
    return document


def refused(client: FlaskClient, **wanted: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON
    answer = client.post(PATH, json=wanted)
    assert answer.status_code == 422, answer.text
    assert answer.json is not None
    return {error["field"]: error["message"] for error in answer.json["errors"]}


@pytest.fixture
def people(pool: Database) -> int:
    people = [
        (ANN, "Ann", {"city": "Bonn"}),
        (BOB, "", {"city": ""}),
        (EVE, "Eve", {"city": "Łódź"}),
    ]
    return add_list(pool, people)


def test_messages_are_those_of_a_campaign_and_its_dry_run(client: FlaskClient, people: int) -> None:
    wanted = {"template": "hi {name|you} in {city}" + "." * 60, "recipient_list_id": people}
    found = preview(client, **wanted)
    made = client.post("/v1/campaigns", json={"name": "spring", **wanted}).json
    assert made is not None
    of_campaign = client.post(f"/v1/campaigns/{made['id']}/preview").json
    assert of_campaign is not None
    shared = of_campaign["messages"][0].keys()
    assert of_campaign["messages"] == [
        {name: message[name] for name in shared} for message in found["messages"]
    ]
    assert [message["segments"] for message in found["messages"]] == [1, 1, 2]

    played = client.post(f"/v1/campaigns/{made['id']}/dry-run").json
    assert played is not None
    missing = [name for message in found["messages"] for name in message["missing_values"]]
    assert {each["placeholder"]: each["messages"] for each in played["missing_values"]} == {
        name: missing.count(name) for name in ("name", "city")
    }


def test_it_names_the_characters_that_force_ucs2(client: FlaskClient, people: int) -> None:
    found = preview(client, template="{city}", recipient_list_id=people, from_seq=3, limit=1)
    (message,) = found["messages"]
    assert (message["seq"], message["encoding"]) == (3, "ucs2")
    assert message["ucs2_characters"] == [
        {"character": "Ł", "code_point": "U+0141"},
        {"character": "ó", "code_point": "U+00F3"},
        {"character": "ź", "code_point": "U+017A"},
    ]


def test_an_unknown_column_is_named_and_renders_as_empty(client: FlaskClient, people: int) -> None:
    found = preview(client, template="hi {nmae}{unsubscribe_url}!", recipient_list_id=people)
    assert found["columns"] == ["phone", "name", "city"]
    assert found["unknown_columns"] == ["nmae", "unsubscribe_url"]
    assert {message["body"] for message in found["messages"]} == {"hi !"}
    assert found["unsubscribe_link"] is False


def test_sample_values_need_no_list(client: FlaskClient) -> None:
    found = preview(
        client,
        content={"kind": "template", "name": "x", "language": "de", "parts": ["{name}", "{town}"]},
        attributes={"Name": " Ann ", "City": ""},
        phone=f"+{ANN}",
    )
    (message,) = found["messages"]
    assert (message["phone"], message["parts"], message["segments"]) == (ANN, ["Ann", ""], 1)
    assert found["unknown_columns"] == ["town"]
    assert preview(client, template="{city|here}", attributes={"city": ""})["messages"][0] == {
        "seq": 1,
        "phone": "",
        "body": "here",
        "parts": None,
        "characters": 4,
        "encoding": "gsm7",
        "segments": 1,
        "ucs2_characters": [],
        "missing_values": ["city"],
    }


def test_a_link_is_as_long_as_that_of_a_campaign(
    settings: Settings, pool: Database, people: int
) -> None:
    client = client_of(replace(settings, callbacks=CALLBACKS), pool)
    wanted = {"template": "{unsubscribe_url}", "recipient_list_id": people}
    found = preview(client, **wanted)
    made = client.post("/v1/campaigns", json={"name": "spring", **wanted}).json
    assert made is not None
    shown = client.post(f"/v1/campaigns/{made['id']}/preview").json
    assert shown is not None
    (body, *_) = (message["body"] for message in found["messages"])
    assert body.startswith(f"{BASE}/u/")
    assert len(body) == len(shown["messages"][0]["body"])
    assert (found["unsubscribe_link"], found["unknown_columns"]) == (True, [])


def test_what_cannot_be_previewed_is_refused(client: FlaskClient, people: int) -> None:
    assert refused(client, recipient_list_id=people) == {"template": "is missing"}
    assert "position 4" in refused(client, template="hi {name")["template"]
    assert "no list 77" in refused(client, template="x", recipient_list_id=77)["recipient_list_id"]
    both = refused(client, template="x", recipient_list_id=people, phone=ANN)
    assert both == {"phone": "must not be given beside recipient_list_id"}
    assert set(refused(client, template="x", limit=101)) == {"limit"}


def test_nothing_is_stored(client: FlaskClient, pool: Database, people: int) -> None:
    preview(client, template="x", recipient_list_id=people)
    assert value(pool, "SELECT COUNT(*) FROM campaigns") == 0
    change(pool, "UPDATE recipient_lists SET state = 'deleted'")
    assert set(refused(client, template="x", recipient_list_id=people)) == {"recipient_list_id"}
