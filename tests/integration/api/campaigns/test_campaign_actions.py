"""POST /v1/campaigns/{id}/…: schedule, start, resume, retry, clone; and what each state allows."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.domain.campaign import CampaignState
from campaign_common.domain.message import Status
from tests.integration.api.drafted import LATER, PATH, body
from tests.integration.api.lost_commits import lose_first_commit
from tests.integration.api.one_campaign import NEW, add_three, do, done, history, make_one, run_it
from tests.integration.api.stored import change, rows, value


@pytest.fixture
def campaign_id(client: FlaskClient, pool: Database) -> int:
    return make_one(client, pool)


# -- scheduling


def test_a_draft_is_scheduled_rescheduled_and_started(
    client: FlaskClient, campaign_id: int, pool: Database
) -> None:
    scheduled = done(client, campaign_id, "schedule", scheduled_at=LATER)
    assert (scheduled["state"], scheduled["scheduled_at"]) == ("scheduled", LATER)
    assert done(client, campaign_id, "schedule", scheduled_at=LATER) == scheduled
    other = "2037-01-01T00:00:00.000Z"
    assert done(client, campaign_id, "schedule", scheduled_at=other)["scheduled_at"] == other
    assert done(client, campaign_id, "start")["state"] == "scheduled"
    assert value(pool, "SELECT scheduled_at <= NOW(6) FROM campaigns") == 1
    before = rows(pool, "SELECT * FROM campaigns")
    for again in (
        do(client, campaign_id, "start"),
        do(client, campaign_id, "schedule", scheduled_at="2026-01-01T00:00:00Z"),
    ):
        assert again.status_code == 200
    assert rows(pool, "SELECT * FROM campaigns") == before
    assert history(client, campaign_id) == [
        ("created", "api", None, "draft", "created"),
        ("scheduled", "api", "draft", "scheduled", None),
        ("changed", "api", "scheduled", "scheduled", "given another time"),
        ("changed", "api", "scheduled", "scheduled", "given another time"),
    ]


def test_a_campaign_belongs_to_the_trace_of_its_request(
    client: FlaskClient, pool: Database
) -> None:
    """A campaign belongs to the trace of the request that set it going."""
    add_three(pool)

    def trace_after(verb: str, **fields: Any) -> bool:  # noqa: ANN401 - any JSON
        """Return whether the campaign belongs to the trace of the request that is sent now."""
        path = PATH if verb == "create" else f"{PATH}/1/{verb}"
        if verb == "create":
            answer = client.post(path, json={**NEW, **fields})
        elif verb == "change":
            answer = client.patch(f"{PATH}/1", json=fields)
        else:
            answer = client.post(path, json=fields)
        assert answer.status_code in (200, 201), answer.text
        stored = value(pool, "SELECT traceparent FROM campaigns")
        return bool(stored == answer.headers["traceparent"])

    assert trace_after("create")
    change(pool, "UPDATE campaigns SET id = 1")
    assert not trace_after("change", name="summer")
    assert trace_after("change", scheduled_at=LATER)
    assert trace_after("schedule", scheduled_at="2037-01-01T00:00:00Z")
    assert trace_after("start")
    assert not trace_after("start")
    run_it(pool)
    assert not trace_after("pause")
    assert trace_after("resume")
    change(pool, "INSERT INTO campaign_counters VALUES (1, 0, %s, 3)", Status.FAILED)
    assert trace_after("retry", status="failed")
    assert not trace_after("cancel")


@pytest.mark.parametrize("state", ["running", "finished"])
def test_what_a_start_or_a_time_has_led_to_is_a_success(
    client: FlaskClient, campaign_id: int, pool: Database, state: str
) -> None:
    done(client, campaign_id, "schedule", scheduled_at=LATER)
    run_it(pool, state)
    before = history(client, campaign_id)
    assert done(client, campaign_id, "schedule", scheduled_at=LATER)["state"] == state
    assert done(client, campaign_id, "start")["state"] == state
    assert history(client, campaign_id) == before
    assert (
        do(client, campaign_id, "schedule", scheduled_at="2037-01-01T00:00:00Z").status_code == 409
    )


@pytest.mark.parametrize("state", ["paused", "cancelled", "failed"])
def test_a_start_that_something_has_undone_is_refused(
    client: FlaskClient, campaign_id: int, pool: Database, state: str
) -> None:
    done(client, campaign_id, "schedule", scheduled_at=LATER)
    run_it(pool, state)
    assert do(client, campaign_id, "start").status_code == 409
    assert do(client, campaign_id, "schedule", scheduled_at=LATER).status_code == 409


def test_a_resume_sent_again_under_its_key_is_answered_alike(
    client: FlaskClient, campaign_id: int, pool: Database
) -> None:
    run_it(pool, "paused")
    path, headers = f"{PATH}/{campaign_id}/resume", {"Idempotency-Key": "once"}
    first = client.post(path, headers=headers)
    change(pool, "UPDATE campaigns SET state = 'finished'")
    again = client.post(path, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json == first.json


def test_a_repeated_resume_of_a_finished_campaign_succeeds(
    client: FlaskClient, campaign_id: int, pool: Database
) -> None:
    """A resume repeated after the campaign has finished is a success."""
    run_it(pool, "paused")
    assert do(client, campaign_id, "resume").status_code == 200
    change(pool, "UPDATE campaigns SET state = 'finished'")
    again = do(client, campaign_id, "resume")
    assert (again.status_code, body(again)["state"]) == (200, "finished")
    # One that was tried again since has not finished from that resume.
    change(
        pool,
        "INSERT INTO campaign_events (campaign_id, at, actor, from_state, to_state, reason)"
        " VALUES (%s, NOW(6), 'x', 'finished', 'running', 'retry')",
        campaign_id,
    )
    assert do(client, campaign_id, "resume").status_code == 409


ALWAYS = ["clone", "preview", "dry-run", "test"]
PLANNED = ["schedule", "start", "cancel"]
ALLOWED = {
    "draft": PLANNED,
    "scheduled": PLANNED,
    "running": ["pause", "cancel", "retry"],
    "paused": ["resume", "cancel"],
    "finished": ["retry"],
    "cancelled": [],
    "failed": [],
}
BODIES = {"schedule": {"scheduled_at": LATER}, "retry": {"status": "failed"}}
EFFECTS = {
    ("start", "running"),
    ("start", "finished"),
    ("pause", "paused"),
    ("resume", "running"),
    ("cancel", "cancelled"),
}
"""State that a verb leads to: asking for it there is a success."""


@pytest.mark.parametrize("state", list(CampaignState))
def test_each_state_allows_what_it_says_and_refuses_the_rest(
    client: FlaskClient, campaign_id: int, pool: Database, state: str
) -> None:
    for verb in ("schedule", "start", "pause", "resume", "cancel", "retry", "clone", "preview"):
        run_it(pool, state)
        change(pool, "UPDATE campaigns SET scheduled_at = NULL")
        answer = do(client, campaign_id, verb, **BODIES.get(verb, {}))
        if verb in ALLOWED[state] + ALWAYS or (verb, state) in EFFECTS:
            assert answer.status_code in (200, 201), (verb, answer.text)
            change(pool, "DELETE FROM campaigns WHERE id <> %s", campaign_id)
        else:
            assert answer.status_code == 409, verb
            assert body(answer)["type"] == "urn:camp-mgr:problem:state-conflict"
            assert body(answer)["state"] == state
            assert body(answer)["allowed"] == ALLOWED[state] + ALWAYS


@pytest.mark.parametrize(
    "verb",
    ["schedule", "start", "pause", "resume", "cancel", "retry", "clone", "preview", "dry-run"],
)
def test_no_verb_takes_what_it_does_not_know(
    client: FlaskClient, campaign_id: int, verb: str
) -> None:
    known = BODIES.get(verb, {})
    assert do(client, 5, verb, **known).status_code == 404
    unknown = do(client, campaign_id, verb, **known, colour="red")
    assert (unknown.status_code, body(unknown)["errors"][0]["field"]) == (422, "colour")
    plain = client.post(f"{PATH}/{campaign_id}/{verb}", data="x")
    assert plain.status_code == 415
    assert client.get(f"{PATH}/{campaign_id}/{verb}").status_code == 405


# -- retrying


def fail_two(pool: Database, campaign_id: int) -> None:
    run_it(pool, "finished")
    change(pool, "INSERT INTO campaign_counters VALUES (%s, 0, 2, 2)", campaign_id)
    change(pool, "INSERT INTO campaign_counters VALUES (%s, 1, 1, 1)", campaign_id)


def test_what_failed_is_ordered_to_be_sent_again(
    client: FlaskClient, campaign_id: int, pool: Database
) -> None:
    fail_two(pool, campaign_id)
    retried = done(client, campaign_id, "retry", status="failed", error_code="E1")
    assert (retried["state"], retried["matched"]) == ("running", 2)
    assert value(pool, "SELECT COUNT(*) FROM shard_commands WHERE kind = 'retry'") == 2
    assert history(client, campaign_id)[-1] == (
        "retried",
        "api",
        "finished",
        "running",
        "retry of failed with error E1",
    )
    nothing = done(client, campaign_id, "retry", status="expired")
    assert (nothing["state"], nothing["matched"]) == ("running", 0)
    assert value(pool, "SELECT COUNT(*) FROM shard_commands") == 2


def test_a_lost_answer_to_the_commit_orders_nothing_twice(
    client: FlaskClient, campaign_id: int, pool: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_two(pool, campaign_id)
    lost = lose_first_commit(pool, monkeypatch)
    assert done(client, campaign_id, "retry", status="failed")["matched"] == 2
    assert lost == [2]
    assert value(pool, "SELECT COUNT(*) FROM shard_commands") == 2
    assert len(history(client, campaign_id)) == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "status"),
        ({"status": "sent"}, "status"),
        ({"status": "failed", "error_code": ""}, "error_code"),
        ({"status": "failed", "error_code": "x" * 33}, "error_code"),
    ],
)
def test_only_what_ended_badly_can_be_retried(
    client: FlaskClient, campaign_id: int, fields: dict[str, str], field: str
) -> None:
    answer = do(client, campaign_id, "retry", **fields)
    assert answer.status_code == 422
    assert [error["field"] for error in body(answer)["errors"]] == [field]


def test_a_deleted_list_leaves_nobody_to_send_to(
    client: FlaskClient, campaign_id: int, pool: Database
) -> None:
    fail_two(pool, campaign_id)
    change(pool, "UPDATE recipient_lists SET state = 'emptied'")
    bodies = {**BODIES, "clone": {}, "preview": {}, "dry-run": {}}
    for verb in ("retry", "clone", "preview", "dry-run"):
        answer = do(client, campaign_id, verb, **bodies[verb])
        assert answer.status_code == 409
        assert body(answer)["type"] == "urn:camp-mgr:problem:list-deleted"
    assert body(client.get(f"{PATH}/{campaign_id}"))["counts"]["failed"] == 2


# -- copying


@pytest.mark.parametrize("state", ["draft", "cancelled"])
def test_a_clone_is_a_draft_of_the_same_plan(
    client: FlaskClient, campaign_id: int, pool: Database, state: str
) -> None:
    run_it(pool, state)
    answer = do(client, campaign_id, "clone")
    clone = body(answer)
    assert (answer.status_code, clone["state"]) == (201, "draft")
    assert answer.headers["Location"] == f"{PATH}/{clone['id']}"
    assert {field: clone[field] for field in NEW} == NEW
    assert clone["started_at"] is clone["scheduled_at"] is None
    assert history(client, clone["id"]) == [
        ("created", "api", None, "draft", f"clone of {campaign_id}")
    ]
