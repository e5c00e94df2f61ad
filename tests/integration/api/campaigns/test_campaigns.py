"""POST /v1/campaigns: making campaigns, also beside POST /v1/camp/create."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.settings import ApiSettings, HttpSettings, Settings
from campaign_common.store.access.api_keys import insert_key
from campaign_common.store.campaigns import plans
from tests.integration.api.drafted import LATER, NEW, PATH, body, events, made, post, problem
from tests.integration.api.lost_commits import lose_first_commit
from tests.integration.api.stored import REQUEST, add_list, change, create, rows, value


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {"city": "Oslo"}), ("13961467501", "Bob", {})])


def test_a_campaign_without_a_time_is_a_draft_with_defaults(
    client: FlaskClient, pool: Database
) -> None:
    """A campaign without a time is a draft with the configured defaults."""
    answer = post(client)
    assert answer.status_code == 201
    campaign = body(answer)
    assert 2**40 <= campaign["id"] < 2**53
    assert answer.headers["Location"] == f"{PATH}/{campaign['id']}"
    assert answer.headers["ETag"].startswith('"')
    expected = {
        "name": "spring",
        "state": "draft",
        "template": "hi {name}",
        "recipient_list_id": 1,
        "scheduled_at": None,
        "expires_after": None,
        "delivery": "at_least_once",
        "provider": {"name": "simulated", "circuit_open_until": None},
        "total": 2,
        "pending": 2,
    }
    assert {field: campaign[field] for field in expected} == expected
    assert events(pool, campaign["id"]) == [("api", None, "draft", "created")]
    assert body(client.get(answer.headers["Location"])) == campaign


def test_with_a_time_it_is_scheduled_and_a_past_one_means_now(client: FlaskClient) -> None:
    later = made(client, scheduled_at="2036-01-31T10:30:00+01:00", expires_after=3600)
    assert (later["state"], later["scheduled_at"]) == ("scheduled", LATER)
    assert later["expires_after"] == 3600
    past = made(client, scheduled_at="0001-01-01T00:00:00Z", delivery="at_most_once")
    assert (past["state"], past["delivery"]) == ("scheduled", "at_most_once")
    assert past["scheduled_at"] == past["created_at"]


def test_ids_are_taken_from_the_clock_and_never_twice(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [made(client)["id"] for _ in range(3)]
    assert ids == sorted(set(ids))
    age = value(pool, "SELECT TIMESTAMPDIFF(MICROSECOND, '2026-01-01', NOW(6))")
    assert 0 < 2**40 + age - ids[-1] < 60_000_000
    monkeypatch.setattr(plans, "free_id", lambda _: ids[0])
    assert made(client)["id"] == ids[0] + 1
    assert made(client)["id"] == ids[0] + 2


def test_a_lost_answer_to_the_commit_makes_no_second_campaign(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lose_first_commit(pool, monkeypatch)
    campaign = made(client)
    assert lost == [campaign["id"]]
    assert rows(pool, "SELECT id FROM campaigns") == [(campaign["id"],)]
    assert len(events(pool, campaign["id"])) == 1


@pytest.mark.parametrize(
    ("fields", "kind", "field", "said"),
    [
        ({"template": "hi {town}"}, "invalid-template", "template", "phone, name, city"),
        ({"template": "hi {"}, "invalid-template", "template", "position 4"),
        ({"template": ""}, "invalid-fields", "template", "1 to 16000"),
        ({"template": "x" * 16_001}, "invalid-fields", "template", "1 to 16000"),
        ({"name": ""}, "invalid-fields", "name", "1 to 255"),
        ({"name": "x" * 256}, "invalid-fields", "name", "1 to 255"),
        ({"name": "a\0b"}, "invalid-fields", "name", "without NUL"),
        ({"name": None}, "invalid-fields", "name", "null"),
        ({"recipient_list_id": 2}, "invalid-fields", "recipient_list_id", "no list 2"),
        ({"recipient_list_id": "1"}, "invalid-fields", "recipient_list_id", "an integer"),
        ({"recipient_list_id": 2**63}, "invalid-fields", "recipient_list_id", "from 1"),
        ({"scheduled_at": "tomorrow"}, "invalid-fields", "scheduled_at", "RFC 3339"),
        ({"scheduled_at": "2027-01-01T00:00:00"}, "invalid-fields", "scheduled_at", "RFC"),
        ({"scheduled_at": "0001-01-01T00:00:00+09:00"}, "invalid-fields", "scheduled_at", "RFC"),
        ({"scheduled_at": None}, "invalid-fields", "scheduled_at", "null"),
        ({"expires_after": 0}, "invalid-fields", "expires_after", "from 1"),
        ({"expires_after": 2**31}, "invalid-fields", "expires_after", "from 1"),
        ({"expires_after": 1.5}, "invalid-fields", "expires_after", "an integer"),
        ({"delivery": "twice"}, "invalid-fields", "delivery", "at_most_once"),
        ({"provider": "pigeon"}, "invalid-fields", "provider", "simulated"),
        ({"provider": "http"}, "invalid-fields", "provider", "not configured"),
        ({"state": "running"}, "invalid-fields", "state", "not a field"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    client: FlaskClient, pool: Database, fields: dict[str, Any], kind: str, field: str, said: str
) -> None:
    status, found, errors = problem(post(client, **fields))
    assert (status, found, list(errors)) == (422, kind, [field])
    assert said in errors[field]
    assert rows(pool, "SELECT id FROM campaigns") == []


def test_missing_fields_are_named(client: FlaskClient) -> None:
    required = {"name": "is missing", "template": "is missing", "recipient_list_id": "is missing"}
    assert problem(client.post(PATH, json={})) == (422, "invalid-fields", required)
    assert client.post(PATH, data="{}").status_code == 415


def test_a_list_that_is_not_ready_cannot_be_used(client: FlaskClient, pool: Database) -> None:
    for state in ("importing", "discarded", "deleted"):
        change(pool, "UPDATE recipient_lists SET state = %s", state)
        assert problem(post(client))[0] == 422


def test_configured_bounds_and_providers_hold(settings: Settings, pool: Database) -> None:
    configured = replace(
        settings,
        api=ApiSettings(max_template_length=10),
        http=HttpSettings(url="https://sms.example/"),
        provider="http",
    )
    client = create_app(configured, Databases((pool,))).test_client()
    assert made(client, template="x" * 10)["provider"]["name"] == "http"
    assert made(client, template="x", provider="simulated")["provider"]["name"] == "simulated"
    refused = problem(post(client, template="x" * 11))
    assert refused == (422, "invalid-fields", {"template": "must have at most 10 characters"})


def test_create_never_touches_what_the_server_numbered(client: FlaskClient, csv_root: Path) -> None:
    campaign = made(client)
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    refused = create(client, campaign_id=campaign["id"])
    assert (refused.status_code, body(refused)["code"]) == (400, -1)
    assert body(client.get(f"{PATH}/{campaign['id']}")) == campaign


def test_create_makes_again_what_was_changed_or_deleted_here(
    client: FlaskClient, csv_root: Path
) -> None:
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    later = {"scheduled_time": 2_085_000_000}
    path = f"{PATH}/{REQUEST['campaign_id']}"
    assert create(client, **later).status_code == 200
    assert client.patch(path, json={"name": "other"}).status_code == 200
    assert create(client, **later).status_code == 200
    assert body(client.get(path))["name"] == REQUEST["campaign_name"]
    assert client.delete(path).status_code == 204
    assert create(client, **later).status_code == 200
    assert body(client.get(path))["state"] == "scheduled"


def test_every_change_carries_the_name_of_the_key(
    settings: Settings, pool: Database, csv_root: Path
) -> None:
    key = ApiKey.generate()
    with pool.transaction() as cursor:
        insert_key(cursor, key.id, "night shift", Scope.WRITE, key.digest())
    client = create_app(settings, Databases((pool,))).test_client()
    bearer = {"headers": {"Authorization": f"Bearer {key.token}"}}
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    later = {**REQUEST, "scheduled_time": 2_085_000_000}
    assert client.post("/v1/camp/create", json=later, **bearer).status_code == 200
    path = client.post(PATH, json=NEW, **bearer).headers["Location"]
    clone = client.post(f"{path}/clone", **bearer).headers["Location"]
    client.patch(path, json={"name": "x"}, **bearer)
    client.post(f"{path}/schedule", json={"scheduled_at": LATER}, **bearer)
    client.post(f"{path}/start", **bearer)
    client.post(f"{path}/cancel", **bearer)
    assert client.delete(clone, **bearer).status_code == 204
    assert rows(pool, "SELECT actor, COUNT(*) FROM campaign_events GROUP BY actor") == [
        ("night shift", 8)
    ]


def test_an_idempotency_key_makes_one_campaign(client: FlaskClient, pool: Database) -> None:
    headers = {"Idempotency-Key": "spring-1"}
    first, again = (client.post(PATH, json=NEW, headers=headers) for _ in range(2))
    assert (again.status_code, body(again)) == (201, body(first))
    for name in ("Location", "ETag"):
        assert again.headers[name] == first.headers[name]
    other = client.post(PATH, json={**NEW, "name": "x"}, headers=headers)
    assert other.status_code == 422
    assert value(pool, "SELECT COUNT(*) FROM campaigns") == 1


def test_create_honours_the_configured_length_of_templates(
    settings: Settings, pool: Database
) -> None:
    configured = replace(settings, api=ApiSettings(max_template_length=10))
    client = create_app(configured, Databases((pool,))).test_client()
    refused = create(client, message_template="x" * 11)
    assert (refused.status_code, body(refused)["msg"]) == (
        400,
        "message_template must have 1 to 10 characters",
    )
