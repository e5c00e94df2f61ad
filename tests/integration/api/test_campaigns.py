"""/v1/campaigns: making campaigns, changing, deleting and listing them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_api.campaigns import drafting
from campaign_common.api_key import ApiKey, Scope
from campaign_common.database import Database, Databases
from campaign_common.errors import CommitUnknown
from campaign_common.settings import ApiSettings, HttpSettings, Settings
from campaign_common.store.api_keys import insert_key
from tests.integration.api.stored import REQUEST, add_list, change, create, rows, value

PATH = "/v1/campaigns"
NEW: Mapping[str, Any] = {"name": "spring", "template": "hi {name}", "recipient_list_id": 1}
LATER = "2036-01-31T09:30:00.000Z"


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {"city": "Oslo"}), ("13961467501", "Bob", {})])


def post(client: FlaskClient, **fields: Any) -> TestResponse:  # noqa: ANN401 - any JSON
    return client.post(PATH, json={**NEW, **fields})


def made(client: FlaskClient, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = post(client, **fields)
    assert answer.status_code == 201, answer.text
    return body(answer)


def body(answer: TestResponse) -> dict[str, Any]:
    assert isinstance(answer.json, dict)
    return answer.json


def problem(answer: TestResponse) -> tuple[int, str, dict[str, str]]:
    """Status, kind of the problem, and what is said of which field."""
    assert answer.content_type == "application/problem+json"
    document = body(answer)
    errors = {error["field"]: error["message"] for error in document.get("errors", ())}
    return answer.status_code, document["type"].rpartition(":")[2], errors


def events(pool: Database, campaign_id: int) -> list[tuple[Any, ...]]:
    statement = (
        "SELECT actor, from_state, to_state, reason FROM campaign_events"
        " WHERE campaign_id = %s ORDER BY id"
    )
    return rows(pool, statement, campaign_id)


# -- making


def test_without_a_time_it_is_a_draft_with_the_configured_defaults(
    client: FlaskClient, pool: Database
) -> None:
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
        "provider": {"name": "simulated", "left_alone_until": None},
        "total": 2,
        "to_do": 2,
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
    monkeypatch.setattr(drafting.drafts, "free_id", lambda _: ids[0])
    assert made(client)["id"] == ids[0] + 1
    assert made(client)["id"] == ids[0] + 2


def test_a_lost_answer_to_the_commit_makes_no_second_campaign(
    client: FlaskClient, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = pool.run
    lost = []

    def lose_the_first(work: Any, **options: Any) -> Any:  # noqa: ANN401
        result = run(work, **options)
        if not lost:
            lost.append(result)
            raise CommitUnknown("no clear answer to COMMIT")
        return result

    monkeypatch.setattr(pool, "run", lose_the_first)
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


# -- changing


def test_a_change_of_what_was_read_is_made_and_one_of_an_old_version_is_not(
    client: FlaskClient, pool: Database
) -> None:
    first = post(client)
    path, tag = first.headers["Location"], first.headers["ETag"]
    changes = {"name": "summer", "expires_after": 60, "delivery": "at_most_once"}
    second = client.patch(path, json=changes, headers={"If-Match": tag})
    assert second.status_code == 200
    assert {field: body(second)[field] for field in changes} == changes
    assert second.headers["ETag"] != tag
    assert client.get(path).headers["ETag"] == second.headers["ETag"]

    stale = client.patch(path, json={"name": "autumn"}, headers={"If-Match": tag})
    assert problem(stale)[:2] == (412, "changed-meanwhile")
    weak = client.patch(
        path, json={"name": "a"}, headers={"If-Match": f"W/{second.headers['ETag']}"}
    )
    assert weak.status_code == 412
    assert body(client.get(path)) == body(second)
    assert events(pool, body(first)["id"])[1:] == [
        ("api", "draft", "draft", "changed name, expires_after, delivery")
    ]
    for headers in ({}, {"If-Match": "*"}, {"If-Match": f'"x", {second.headers["ETag"]}'}):
        assert client.patch(path, json={"name": "summer"}, headers=headers).status_code == 200


def test_what_is_so_already_is_a_success_that_changes_nothing(
    client: FlaskClient, pool: Database
) -> None:
    first = post(client, scheduled_at=LATER)
    path = first.headers["Location"]
    again = {**NEW, "scheduled_at": LATER, "expires_after": None}
    answer = client.patch(path, json=again, headers={"If-Match": '"old"'})
    assert (answer.status_code, body(answer)) == (200, body(first))
    assert len(events(pool, body(first)["id"])) == 1


def test_a_time_schedules_a_draft(client: FlaskClient, pool: Database) -> None:
    path = post(client).headers["Location"]
    scheduled = body(client.patch(path, json={"scheduled_at": LATER}))
    assert (scheduled["state"], scheduled["scheduled_at"]) == ("scheduled", LATER)
    assert events(pool, scheduled["id"])[-1][1:3] == ("draft", "scheduled")


def test_a_changed_template_must_fit_the_list_that_there_is_then(
    client: FlaskClient, pool: Database
) -> None:
    add_list(pool, [("13961467500", "Ann", {})], columns=["town"], list_id=2)
    path = post(client).headers["Location"]
    assert problem(client.patch(path, json={"template": "{town}"}))[:2] == (422, "invalid-template")
    both = {"template": "{town}", "recipient_list_id": 2}
    assert body(client.patch(path, json=both))["list"]["id"] == 2
    assert problem(client.patch(path, json={"recipient_list_id": 1}))[1] == "invalid-template"


@pytest.mark.parametrize("state", ["running", "paused", "finished", "cancelled", "failed"])
def test_a_campaign_that_has_started_is_neither_changed_nor_deleted(
    client: FlaskClient, pool: Database, state: str
) -> None:
    path = post(client).headers["Location"]
    change(pool, "UPDATE campaigns SET state = %s", state)
    for answer in (client.patch(path, json={"name": "x"}), client.delete(path)):
        document = body(answer)
        assert (answer.status_code, document["state"]) == (409, state)
        assert {"clone", "preview", "dry-run", "test"} <= set(document["allowed"])
        assert ("pause" in document["allowed"]) is (state == "running")
    assert value(pool, "SELECT name FROM campaigns") == "spring"


def test_deleting_takes_the_version_into_account_and_leaves_the_history(
    client: FlaskClient, pool: Database
) -> None:
    first = post(client)
    path, campaign_id = first.headers["Location"], body(first)["id"]
    assert client.delete(path, headers={"If-Match": '"old"'}).status_code == 412
    answer = client.delete(path, headers={"If-Match": first.headers["ETag"]})
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.patch(path, json={}).status_code == 404
    assert events(pool, campaign_id)[-1] == ("api", "draft", None, "deleted")


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    path = post(client).headers["Location"]
    tag = client.get(path).headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}'):
        answer = client.get(path, headers={"If-None-Match": sent})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_two_changes_at_once_of_the_same_version_succeed_once(
    settings: Settings, pool: Database, client: FlaskClient
) -> None:
    first = post(client)
    app = create_app(settings, Databases((pool,)))

    def patch(name: str) -> int:
        answer = app.test_client().patch(
            first.headers["Location"],
            json={"name": name},
            headers={"If-Match": first.headers["ETag"]},
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(patch, [f"name {n}" for n in range(8)]))
    assert sorted(statuses) == [200] + [412] * 7


# -- beside POST /v1/camp/create


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


# -- listing


def names(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [campaign["name"] for campaign in body(answer)["campaigns"]]


def test_pages_are_stable_while_campaigns_are_added(client: FlaskClient, pool: Database) -> None:
    for n in range(5):
        made(client, name=f"c{n}")
    change(
        pool, "UPDATE campaigns SET created_at = '2026-01-02 03:04:05.678901' WHERE name <> 'c4'"
    )
    first = client.get(PATH, query_string={"limit": 2})
    assert names(first) == ["c4", "c3"]
    made(client, name="new")
    link = first.headers["Link"]
    assert link.endswith('; rel="next"')
    second = client.get(link[1 : link.index(">")])
    assert names(second) == ["c2", "c1"]
    third = client.get(PATH, query_string={"limit": 2, "cursor": body(second)["next_cursor"]})
    assert names(third) == ["c0"]
    assert body(third)["next_cursor"] is None
    assert "Link" not in third.headers
    assert "template" not in body(first)["campaigns"][0]


def test_filters_take_names_as_they_stand(client: FlaskClient, pool: Database) -> None:
    for name in ("Spring 100%", "spring_sale", "ÉTÉ", "a|b", "spring sale", "😀 party"):
        made(client, name=name)
    change(pool, "UPDATE campaigns SET state = 'finished' WHERE name = 'spring sale'")

    def found(**parameters: str) -> list[str]:
        return sorted(names(client.get(PATH, query_string=parameters)))

    assert found(name="SPRING") == ["Spring 100%", "spring sale", "spring_sale"]
    assert found(name="%") == ["Spring 100%"]
    assert found(name="_") == ["spring_sale"]
    assert found(name="|") == ["a|b"]
    assert found(name="été") == ["ÉTÉ"]
    assert found(name="😀") == ["😀 party"]
    assert found(name="'; --") == []
    assert found(state="finished") == ["spring sale"]
    assert found(state="draft", name="spring") == ["Spring 100%", "spring_sale"]


def test_counts_stand_in_the_list(client: FlaskClient, pool: Database) -> None:
    campaign = made(client)
    change(pool, "UPDATE campaigns SET state = 'running', total = 2, started_at = NOW(6)")
    change(pool, "INSERT INTO campaign_counters VALUES (%s, 0, 1, 1)", campaign["id"])
    (found,) = body(client.get(PATH))["campaigns"]
    assert (found["counts"]["sent"], found["to_do"]) == (1, 1)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "+5"}, "limit"),
        ({"limit": " 5"}, "limit"),
        ({"limit": "\u0665"}, "limit"),
        ({"limit": "9" * 4_000}, "limit"),
        ({"limit": "9" * 5_000}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),  # [1]
        ({"cursor": "Wy0xLDFd"}, "cursor"),  # [-1,1]
        ({"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsMV0"}, "cursor"),  # beyond the year 9999
        ({"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsMV0"}, "cursor"),  # [2**63,1]
        ({"state": "lost"}, "state"),
        ({"name": ""}, "name"),
        ({"order": "name"}, "order"),
    ],
)
def test_wrong_parameters_are_named(
    client: FlaskClient, parameters: dict[str, str], field: str
) -> None:
    status, kind, errors = problem(client.get(PATH, query_string=parameters))
    assert (status, kind, list(errors)) == (422, "invalid-fields", [field])
    assert client.get(PATH, query_string={"limit": "1000"}).status_code == 200


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
