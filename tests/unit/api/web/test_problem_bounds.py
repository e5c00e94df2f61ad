"""Size of refusals: whatever a client sends, what comes back of it is short."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.errors import MAX_NAMED_FIELDS
from campaign_api.web.http.bounded_text import bounded
from campaign_api.web.http.problems import LARGEST_PROBLEM
from campaign_common.database import Database, Databases
from campaign_common.dsn import parse_dsn
from campaign_common.settings import (
    ApiSettings,
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)

MANY = 22_000
LONG = 100_000
COSTLY = "\U0001f600"
"""A character that JSON writes in twelve bytes."""

NEW = {"name": "spring", "template": "hi {name}", "recipient_list_id": 1}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """Nothing here gets as far as the database."""
    settings = Settings(
        mysql=MysqlSettings(dsn=parse_dsn("root@tcp(127.0.0.1:1)/camp")),
        sync_client=SyncClientSettings(brokers=("unused:9092",)),
        send_client=SendClientSettings(brokers=("unused:9092",)),
        auth="none",
        api=ApiSettings(max_body_bytes=4 * 2**20),
    )
    return create_app(settings, Databases((Database(settings.mysql),))).test_client()


def many() -> dict[str, Any]:
    return {f"f{number}": 1 for number in range(MANY)}


def costly() -> dict[str, Any]:
    return {f"{number}{COSTLY * 1_000}": 1 for number in range(MAX_NAMED_FIELDS * 2)}


BODIES = {
    "many": many(),
    "long": {"x" * LONG: 1},
    "costly": costly(),
    "nested": {"attributes": {f"a{number}": 1 for number in range(MANY)}},
    "nested long": {"attributes": {COSTLY * LONG: 1}},
    "values": {**NEW, "template": COSTLY * LONG, "provider": "x" * LONG, "delivery": "y" * LONG},
    "no object": ["x" * LONG],
}
ROUTES = [
    "/v1/campaigns",
    "/v1/campaigns/5/test",
    "/v1/campaigns/5/preview",
    "/v1/campaigns/5/schedule",
    "/v1/campaigns/5/retry",
    "/v1/camp/create",
]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", BODIES)
def test_no_json_is_answered_at_length(client: FlaskClient, path: str, body: str) -> None:
    answer = client.post(path, json=BODIES[body])
    assert answer.status_code in (400, 422), answer.text[:200]
    assert len(answer.data) <= LARGEST_PROBLEM


def test_the_first_fields_are_named_and_the_others_counted(client: FlaskClient) -> None:
    answer = client.post("/v1/campaigns", json={**NEW, **many()})
    problem = answer.json
    assert problem is not None
    assert len(problem["errors"]) == MAX_NAMED_FIELDS
    assert problem["errors_omitted"] == MANY - MAX_NAMED_FIELDS
    assert problem["detail"].endswith(f"and {MANY - MAX_NAMED_FIELDS:,} more")
    original = client.post("/v1/camp/create", json=many()).json
    assert original is not None
    assert " more" in original["msg"]


def test_a_few_fields_are_all_named(client: FlaskClient) -> None:
    problem = client.post("/v1/campaigns", json={**NEW, "a": 1, "b": 2}).json
    assert problem is not None
    assert {each["field"] for each in problem["errors"]} == {"a", "b"}
    assert "errors_omitted" not in problem


@pytest.mark.parametrize(
    "path", ["/v1/campaigns", "/v1/stats", "/v1/messages", "/v1/recipient-lists"]
)
@pytest.mark.parametrize("times", [1, 2], ids=["unknown", "given twice"])
def test_no_query_is_answered_at_length(client: FlaskClient, path: str, times: int) -> None:
    query = "&".join(f"f{number}={COSTLY}" for number in range(5_000) for _ in range(times))
    answer = client.get(f"{path}?{query}&{'x' * LONG}=1")
    assert answer.status_code == 422
    assert len(answer.data) <= LARGEST_PROBLEM


def test_no_parameter_of_a_path_is_answered_at_length(client: FlaskClient) -> None:
    for path in (f"/v1/{COSTLY * 1_000}", f"/v1/recipients/{COSTLY * 1_000}"):
        answer = client.delete(path)
        assert answer.status_code in (404, 422)
        assert len(answer.data) <= LARGEST_PROBLEM


@pytest.mark.parametrize("name", ["x" * 60_000, COSTLY * 10_000])
def test_no_form_is_answered_at_length(client: FlaskClient, name: str) -> None:
    form = {name: (io.BytesIO(b"Ann,13961467500\n"), "people.csv")}
    answer = client.post("/v1/recipient-lists?name=people", data=form)
    assert answer.status_code in (400, 422, 503)
    assert len(answer.data) <= LARGEST_PROBLEM


@pytest.mark.parametrize("text", ["", "a", "a" * 99, "\x00" * 99, COSTLY * 99, "\u00e9" * 99, "\\"])
@pytest.mark.parametrize("most", [12, 60, 1_000])
def test_a_text_is_cut_to_what_json_takes_for_it(text: str, most: int) -> None:
    cut = bounded(text, most)
    assert len(json.dumps(cut)) - 2 <= most
    assert cut == text or (cut.endswith("\u2026") and text.startswith(cut[:-1]))
    if len(json.dumps(text)) - 2 <= most:
        assert cut == text
