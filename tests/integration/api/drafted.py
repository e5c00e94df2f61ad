"""Making campaigns for the tests, and reading what is answered and noted."""

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_common.database import Database
from tests.integration.api.stored import rows

PATH = "/v1/campaigns"
NEW: Mapping[str, Any] = {"name": "spring", "template": "hi {name}", "recipient_list_id": 1}
LATER = "2036-01-31T09:30:00.000Z"


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
