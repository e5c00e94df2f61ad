"""One campaign for three people, and what tests have done to it through the API."""

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from campaign_common.database import Database
from tests.integration.api.drafted import PATH, body
from tests.integration.api.stored import add_list, change

NEW: Mapping[str, Any] = {
    "name": "spring",
    "template": "hi {name} in {city|your town}",
    "recipient_list_id": 1,
    "expires_after": 60,
    "delivery": "at_most_once",
}


def add_three(pool: Database) -> None:
    """Make the list."""
    people = [("13961467500", "Ann", {"city": "Oslo"}), ("13961467501", "小红", {})]
    add_list(pool, [*people, ("13961467502", "", {"city": "Rom😀"})])


def make_one(client: FlaskClient, pool: Database) -> int:
    """Make list and campaign, and return the latter's id."""
    add_three(pool)
    return int(body(client.post(PATH, json=NEW))["id"])


def do(client: FlaskClient, campaign_id: int, verb: str, **fields: Any) -> TestResponse:  # noqa: ANN401 - any JSON
    return client.post(f"{PATH}/{campaign_id}/{verb}", json=fields)


def done(client: FlaskClient, campaign_id: int, verb: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = do(client, campaign_id, verb, **fields)
    assert answer.status_code == 200, answer.text
    return body(answer)


def history(client: FlaskClient, campaign_id: int) -> list[tuple[str, str, str, str, str]]:
    found = body(client.get(f"{PATH}/{campaign_id}/events"))["events"]
    return [(e["type"], e["actor"], e["from"], e["to"], e["reason"]) for e in found]


def run_it(pool: Database, state: str = "running") -> None:
    """Be the scheduler."""
    change(
        pool,
        "UPDATE campaigns SET state = %s, total = 3, last_seq = 3, shards = 2, epoch = 1,"
        " published_seq = 3, published_count = 3, started_at = NOW(6)",
        state,
    )
