"""More requests at once than there is room for, and requests that get in each other's way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from campaign_api.app import create_app
from campaign_api.campaigns import trial_messages
from campaign_common.database import Database, Databases, named_lock
from campaign_common.settings import Settings
from tests.integration.api.stored import REQUEST, add_list, create, rows, value
from tests.support.waiting import wait_until

PATH = "/v1/campaigns"
NEW = {"name": "spring", "template": "hi {name}", "recipient_list_id": 1}
MESSAGE = {"phone": "+49 176 12345678", "attributes": {"name": "Ann"}}

VERBS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("POST", "/schedule", {"scheduled_at": "2036-01-01T00:00:00Z"}),
    ("POST", "/schedule", {"scheduled_at": "2037-01-01T00:00:00Z"}),
    ("POST", "/start", None),
    ("POST", "/cancel", None),
    ("PATCH", "", {"name": "summer"}),
    ("PATCH", "", {"scheduled_at": "2038-01-01T00:00:00Z"}),
    ("DELETE", "", None),
)


@pytest.fixture(autouse=True)
def recipients(pool: Database) -> None:
    add_list(pool, [("13961467500", "Ann", {})])


@pytest.fixture
def app(settings: Settings, pool: Database) -> Flask:
    """An application of four threads: one test message and two creations at a time."""
    return create_app(replace(settings, threads=4), Databases((pool,)))


def test_one_test_message_too_many_is_told_to_come_later(
    app: Flask, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test message more than may wait is refused with a time to come back."""
    monkeypatch.setattr(trial_messages, "WAIT", 3.0)
    client = app.test_client()
    path = f"{PATH}/{client.post(PATH, json=NEW).json['id']}/test"  # type: ignore[index]
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(app.test_client().post, path, json=MESSAGE)
        wait_until(lambda: bool(rows(pool, "SELECT id FROM trial_messages")))
        refused = client.post(path, json=MESSAGE, headers={"Idempotency-Key": "k"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
        assert waiting.result().status_code == 202
    assert value(pool, "SELECT COUNT(*) FROM trial_messages") == 1
    later = client.post(path, json=MESSAGE, headers={"Idempotency-Key": "k"})
    assert later.status_code == 202
    assert value(pool, "SELECT COUNT(*) FROM trial_messages") == 2


def test_one_waiting_creation_too_many_is_told_to_come_later(
    app: Flask, pool: Database, csv_root: Path
) -> None:
    """One creation more than may wait for each other is refused with a time to come back."""
    lines = (f"Ann,{13961467500 + n}\n" for n in range(5_000))  # large enough for the lock
    (csv_root / "recipients.csv").write_text("".join(lines))
    lock = f"campaign {REQUEST['campaign_id']}"
    with ThreadPoolExecutor() as threads:
        with named_lock(pool, lock, wait=5):
            waiting = [threads.submit(create, app.test_client()) for _ in range(3)]
            wait_until(lambda: any(one.done() for one in waiting))
            (refused,) = (one.result() for one in waiting if one.done())
            assert refused.status_code == 429
            assert refused.json["code"] == -1
        assert sorted(one.result().status_code for one in waiting) == [200, 200, 429]


@pytest.mark.parametrize("turn", range(5))
def test_changes_at_once_happen_one_after_another(app: Flask, pool: Database, turn: int) -> None:
    made = app.test_client().post(PATH, json=NEW)
    campaign_id = made.json["id"]  # type: ignore[index]

    def ask(asked: tuple[str, str, dict[str, Any] | None]) -> int:
        method, verb, body = asked
        path = f"{PATH}/{campaign_id}{verb}"
        return app.test_client().open(path, method=method, json=body).status_code

    with ThreadPoolExecutor(len(VERBS)) as threads:
        statuses = list(threads.map(ask, VERBS[turn:] + VERBS[:turn]))
    assert set(statuses) <= {200, 204, 404, 409}, statuses
    events = rows(
        pool,
        "SELECT from_state, to_state FROM campaign_events WHERE campaign_id = %s ORDER BY id",
        campaign_id,
    )
    assert all(before[1] == after[0] for before, after in pairwise(events)), events
    state = rows(pool, "SELECT state FROM campaigns WHERE id = %s", campaign_id)
    assert [events[-1][1]] == ([state[0][0]] if state else [None])


@pytest.mark.parametrize("_turn", range(5))
def test_a_list_is_deleted_or_used_and_never_both(app: Flask, pool: Database, _turn: int) -> None:
    def use() -> int:
        return app.test_client().post(PATH, json=NEW).status_code

    def delete() -> int:
        return app.test_client().delete("/v1/recipient-lists/1").status_code

    with ThreadPoolExecutor() as threads:
        used, deleted = threads.submit(use), threads.submit(delete)
        assert (used.result(), deleted.result()) in {(201, 409), (422, 204)}
    state = value(pool, "SELECT state FROM recipient_lists WHERE id = 1")
    assert (state == "ready") == bool(rows(pool, "SELECT id FROM campaigns"))
