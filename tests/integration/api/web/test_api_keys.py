"""/v1/api-keys and /v1/whoami."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.settings import Settings
from tests.integration.api.stored import rows
from tests.support.keys import bearer, make_key

WANTED = {"name": "night shift", "scope": "write"}


@pytest.fixture
def admin(pool: Database) -> dict[str, str]:
    return bearer(make_key(pool, Scope.ADMIN, "Ann"))


def whoami(client: FlaskClient, headers: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    return client.get("/v1/whoami", headers=headers).json


def make(client: FlaskClient, headers: dict[str, str]) -> tuple[ApiKey, dict[str, Any]]:
    answer = client.post("/v1/api-keys", json=WANTED, headers=headers)
    assert answer.status_code == 201, answer.json
    assert answer.json is not None
    key = ApiKey.parse(answer.json["key"])
    assert key is not None
    return key, answer.json


def test_a_key_is_made_and_its_secret_shown_once(
    client: FlaskClient, admin: dict[str, str]
) -> None:
    with capture_logs() as lines:
        key, answered = make(client, admin)
    assert {"event": "API key made", "api_key": key.id, "scope": "write", "key": "Ann"}.items() <= (
        next(line for line in lines if line["event"] == "API key made").items()
    )
    assert key.secret not in str(lines)
    assert {**WANTED, "id": key.id, "revoked_at": None}.items() <= answered.items()

    found = whoami(client, bearer(key))
    assert (found["kind"], found["key_id"], found["name"]) == ("key", key.id, "night shift")
    assert (found["scope"], found["scopes"]) == ("write", ["read", "write"])
    assert found["sees_reasons"] is False

    listed = client.get("/v1/api-keys", headers=admin)
    assert listed.json is not None
    assert [each["name"] for each in listed.json["api_keys"]] == ["Ann", "night shift"]
    assert key.secret not in listed.text


def test_a_repeated_request_makes_no_second_key(
    client: FlaskClient, pool: Database, admin: dict[str, str]
) -> None:
    headers = {**admin, "Idempotency-Key": "one"}
    key, _ = make(client, headers)
    again = client.post("/v1/api-keys", json=WANTED, headers=headers)
    assert again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json is not None
    assert (again.json["id"], again.json["key"]) == (key.id, None)
    other = client.post("/v1/api-keys", json={**WANTED, "scope": "read"}, headers=headers)
    assert other.status_code == 422
    assert len(rows(pool, "SELECT id FROM api_keys")) == 2
    assert key.secret not in str(rows(pool, "SELECT effect, headers, body FROM idempotency_keys"))


def test_a_revoked_key_stays_as_it_is(
    client: FlaskClient, pool: Database, admin: dict[str, str]
) -> None:
    key, _ = make(client, admin)
    revoked = "SELECT revoked_at FROM api_keys WHERE name = 'night shift'"
    with capture_logs() as lines:
        assert client.delete(f"/v1/api-keys/{key.id}", headers=admin).status_code == 204
        before = rows(pool, revoked)
        assert client.delete(f"/v1/api-keys/{key.id}", headers=admin).status_code == 204
    assert rows(pool, revoked) == before != [(None,)]
    said = [line for line in lines if line["event"] == "API key revoked"]
    assert [(line["api_key"], line["key"]) for line in said] == [(key.id, "Ann")]


def test_an_unknown_id_is_not_repeated(client: FlaskClient, admin: dict[str, str]) -> None:
    key = ApiKey.generate()
    for unknown in (key.id, key.token, "§ü"):
        answer = client.delete(f"/v1/api-keys/{unknown}", headers=admin)
        assert answer.status_code == 404
        assert unknown not in answer.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "line\nbreak"}, "name"),
        ({"name": " x"}, "name"),
        ({"scope": "everything"}, "scope"),
        ({"expires": "never"}, "expires"),
    ],
)
def test_a_key_needs_a_name_and_a_scope(
    client: FlaskClient, admin: dict[str, str], wrong: dict[str, str], field: str
) -> None:
    answer = client.post("/v1/api-keys", json={**WANTED, **wrong}, headers=admin)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [each["field"] for each in answer.json["errors"]] == [field]


def test_without_any_key_this_machine_makes_the_first(
    client: FlaskClient, settings: Settings, pool: Database
) -> None:
    found = whoami(client, {})
    assert (found["kind"], found["key_id"], found["scope"]) == ("local", None, "admin")
    assert found["sees_reasons"] is True
    make(client, {})
    assert client.get("/v1/whoami").status_code == 401
    unlocked = create_app(replace(settings, auth="none"), Databases((pool,))).test_client()
    assert whoami(unlocked, {})["kind"] == "none"
