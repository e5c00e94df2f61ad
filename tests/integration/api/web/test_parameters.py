"""Query parameters, times and sizes: what every route reads alike."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.template import MOST_PLACEHOLDERS
from campaign_common.settings import ApiSettings, Settings
from tests.integration.api.stored import add_list, create, value

PATH = "/v1/campaigns"
NEW = {"name": "spring", "template": "hi {name}", "recipient_list_id": 1}


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {})])


def errors(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    document: Any = answer.json
    return {error["field"]: error["message"] for error in document["errors"]}


@pytest.mark.parametrize(
    "target",
    [
        "/v1/campaigns?limit=5&limit=5",
        "/v1/recipient-lists?limit=5&cursor=WzFd&limit=5",
        "/v1/messages?phone=13961467500&limit=5&limit=6",
        "/v1/recipient-lists/1/recipients?limit=1&limit=2",
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(client: FlaskClient, target: str) -> None:
    assert errors(client.get(target)) == {"limit": "is given twice"}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/stats?limit=5"),
        ("GET", "/v1/campaigns/5?limit=5"),
        ("GET", "/v1/recipient-lists/1/rejects.csv?limit=5"),
        ("POST", "/v1/campaigns/5/start?limit=5"),
        ("DELETE", "/v1/recipient-lists/1?limit=5"),
    ],
)
def test_a_parameter_that_nobody_reads_is_refused(
    client: FlaskClient, pool: Database, method: str, target: str
) -> None:
    assert errors(client.open(target, method=method)) == {"limit": "is not a field of this request"}
    assert value(pool, "SELECT state FROM recipient_lists") == "ready"


def test_health_and_the_original_route_take_any(client: FlaskClient, csv_root: Path) -> None:
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    assert client.get("/healthz?at=5").status_code == 200
    assert client.post("/v1/camp/create?at=5", json={}).status_code == 400


@pytest.mark.parametrize(
    "said",
    [
        "2036-01-31T09:30:00Z",
        "2036-01-31t09:30:00z",
        "2036-01-31T10:30:00+01:00",
        "2036-01-31T09:30:00.000000000Z",
    ],
)
def test_times_are_as_rfc_3339_has_them(client: FlaskClient, said: str) -> None:
    made = client.post(PATH, json={**NEW, "scheduled_at": said})
    assert made.json is not None
    assert made.json["scheduled_at"] == "2036-01-31T09:30:00.000Z"


@pytest.mark.parametrize(
    "said",
    [
        "2036-01-31T09:30:00",
        "2036-01-31 09:30:00Z",
        "2036-01-31",
        "20360131T093000Z",
        "2036-W05-4T09:30:00Z",
        "2036-01-31T09:30Z",
        "2036-01-31T09:30:00+01",
        "2036-02-30T09:30:00Z",
        "2036-01-31T09:30:00Z\n",
        "0001-01-01T00:00:00+23:59",
        "\u0662036-01-31T09:30:00Z",
        5,
        None,
    ],
)
def test_any_other_form_is_refused(client: FlaskClient, said: object) -> None:
    assert list(errors(client.post(PATH, json={**NEW, "scheduled_at": said}))) == ["scheduled_at"]


def test_one_item_more_than_a_page_may_have_is_refused(settings: Settings, pool: Database) -> None:
    small = create_app(
        replace(settings, api=ApiSettings(max_page_size=3)), Databases((pool,))
    ).test_client()
    for _ in range(4):
        assert small.post(PATH, json=NEW).status_code == 201
    first: Any = small.get(PATH)
    assert len(first.json["campaigns"]) == 3
    assert 'rel="next"' in first.headers["Link"]
    assert small.get(f"{PATH}?limit=3").status_code == 200
    assert errors(small.get(f"{PATH}?limit=4")) == {"limit": "must be an integer from 1 to 3"}


def test_one_placeholder_too_many_is_refused(client: FlaskClient, csv_root: Path) -> None:
    """One placeholder more than a template may have is refused."""
    (csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    most, beyond = "{name}" * MOST_PLACEHOLDERS, "{name}" * (MOST_PLACEHOLDERS + 1)
    assert client.post(PATH, json={**NEW, "template": most}).status_code == 201
    assert "placeholders" in errors(client.post(PATH, json={**NEW, "template": beyond}))["template"]
    assert create(client, message_template=most).status_code == 200
    assert create(client, message_template=beyond).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[" * 100_000, 400),
        ('{"name":' * 30_000, 400),
        ('{"recipient_list_id": ' + "9" * 5_000 + "}", 400),
        ('{"recipient_list_id": NaN}', 400),
        ('{"name": "a", "name": "b"}', 400),
        ('{"name": "a"', 400),
        ("\x00", 400),
        ("[]", 422),
        ("5", 422),
        ("null", 422),
        ('{"recipient_list_id": 1e999}', 422),
        ('{"recipient_list_id": -1}', 422),
        ('{"recipient_list_id": 1.5}', 422),
        ('{"recipient_list_id": true}', 422),
        ('{"recipient_list_id": "1"}', 422),
        ('{"name": "\\ud800"}', 422),
        ('{"name": "\\u0000"}', 422),
        ('{"\\ud800": 1}', 422),
        ('{"__class__": {"x": 1}}', 422),
    ],
)
def test_strange_json_is_refused(client: FlaskClient, body: str, status: int) -> None:
    for path in (PATH, f"{PATH}/1/preview"):
        if path == PATH or status == 400:
            answer = client.post(path, data=body, content_type="application/json")
            assert answer.status_code == status, answer.text


def test_a_path_may_hold_any_number(client: FlaskClient) -> None:
    for digits in ("0", str(2**53), str(2**64), "9" * 65, "9" * 66, "9" * 4_000):
        assert client.get(f"{PATH}/{digits}").status_code == 404
        assert client.post(f"{PATH}/{digits}/start").status_code == 404
        assert client.delete(f"/v1/recipient-lists/{digits}").status_code == 404
        assert client.get(f"{PATH}/{digits}/messages.csv").status_code == 404
