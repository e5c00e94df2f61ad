"""Idempotency-Key, on routes of the tests' own: one that reads its body whole, one that streams."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import pytest
from flask import Flask, Response, g, jsonify, request
from flask.testing import FlaskClient

from campaign_api.errors import TooManyRequests
from campaign_api.retrying_transactions import RetryingTransactions
from campaign_api.web.caller import Caller, Scope
from campaign_api.web.http import problems
from campaign_api.web.idempotency import idempotency_lock
from campaign_api.web.idempotency.idempotency_lock import delete_outdated_keys
from campaign_api.web.idempotency.idempotent_requests import Idempotency, idempotent_request
from campaign_api.web.routing.resource import Resource
from campaign_common.database import Cursor, Database
from campaign_common.errors import CommitUnknown, DatabaseUnavailable
from campaign_common.planning.errors import CampaignStarted
from tests.integration.api.stored import change, rows, value

MAKE = """
INSERT INTO recipient_lists (name, state, created_at, progressed_at)
VALUES (%s, 'ready', NOW(6), NOW(6))
"""
THINGS = "SELECT COUNT(*) FROM recipient_lists"
KEY = {"Idempotency-Key": "one intention"}


class Trouble:
    """Faults that a test lets happen in the routes."""

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


def make(cursor: Cursor) -> int:
    cursor.execute(MAKE, ("thing",))
    return int(cursor.lastrowid)


@pytest.fixture
def app(pool: Database, trouble: Trouble) -> Flask:
    transactions = RetryingTransactions(pool, 5)
    routes = Resource("things", __name__, url_prefix="/things")

    @routes.post("")
    @routes.idempotent
    def whole() -> Response:
        trouble.before()
        made = idempotent_request().run_once(transactions, make)
        trouble.after()
        return described(made)

    @routes.post("/stream")
    @routes.idempotent_stream
    def streamed() -> Response:
        held = idempotent_request()
        digest = sha256(request.stream.read()).digest()
        trouble.before()
        if held.carried_out:
            held.confirm(digest)
            made = held.result
        else:
            made = held.run_once(transactions, make, content=digest)
        trouble.after()
        return described(made)

    app = Flask("things")
    app.before_request(_identify)
    problems.register(app)
    app.register_blueprint(routes)
    Idempotency(pool).register(app)
    return app


def _identify() -> None:
    owner = request.headers.get("Owner", "")
    g.caller = Caller(owner, owner, Scope.WRITE)


def described(made: int) -> Response:
    response = jsonify(id=made)
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = f"/things/{made}"
    response.headers["ETag"] = f'"{made}"'
    return response


@pytest.fixture
def things(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(params=["/things", "/things/stream"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def broken(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_repeated_request_gets_the_same_response(
    things: FlaskClient, pool: Database, path: str
) -> None:
    """The same request again gets the same answer and does nothing."""
    first = things.post(path, data="body", headers=KEY)
    again = things.post(path, data="body", headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.data == again.data
    for name in ("Content-Type", "Location", "ETag"):
        assert first.headers[name] == again.headers[name]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert value(pool, THINGS) == 1


def test_without_a_key_each_request_counts(things: FlaskClient, pool: Database, path: str) -> None:
    for _ in range(2):
        assert things.post(path, data="body").status_code == 201
    assert value(pool, THINGS) == 2
    assert rows(pool, "SELECT 1 FROM idempotency_keys") == []


def test_another_request_under_the_same_key_is_refused(
    things: FlaskClient, pool: Database, path: str
) -> None:
    other_path = "/things" if path == "/things/stream" else "/things/stream"
    things.post(path, data="body", headers=KEY)
    for answer in (
        things.post(path, data="another body", headers=KEY),
        things.post(f"{path}?x=1", data="body", headers=KEY),
        things.post(other_path, data="body", headers=KEY),
    ):
        assert answer.status_code == 422
        assert answer.json is not None
        assert answer.json["type"].endswith(":idempotency-key-reused")
    assert things.post(path, data="body", headers=KEY).status_code == 201
    assert value(pool, THINGS) == 1


def test_a_key_belongs_to_whoever_sent_it(things: FlaskClient, pool: Database, path: str) -> None:
    for owner in ("0123456789abcdef", "fedcba9876543210"):
        answer = things.post(path, data="body", headers={**KEY, "Owner": owner})
        assert "Idempotency-Replayed" not in answer.headers
    assert value(pool, THINGS) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "tab\tbed"])
def test_a_key_is_printable_ascii_of_a_sensible_length(
    things: FlaskClient, pool: Database, path: str, key: str
) -> None:
    answer = things.post(path, data="body", headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["field"] == "Idempotency-Key"
    assert things.post(path, data="body", headers={"Idempotency-Key": "x" * 255}).status_code == (
        201
    )
    assert value(pool, THINGS) == 1


def test_while_the_first_is_under_way_the_second_is_told_so(
    app: Flask, pool: Database, path: str, trouble: Trouble, background: ThreadPoolExecutor
) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        arrived.set()
        assert go_on.wait(20)

    trouble.before = wait
    first = background.submit(app.test_client().post, path, data="body", headers=KEY)
    assert arrived.wait(20)
    second = app.test_client().post(path, data="body", headers=KEY)
    go_on.set()
    assert second.status_code == 409
    assert second.json is not None
    assert second.json["type"].endswith(":idempotency-key-in-use")
    assert first.result().status_code == 201
    assert value(pool, THINGS) == 1


def test_of_many_at_once_one_is_carried_out(
    app: Flask, pool: Database, path: str, background: ThreadPoolExecutor
) -> None:
    def post(_: int) -> int:
        return app.test_client().post(path, data="body", headers=KEY).status_code

    statuses = set(background.map(post, range(12)))
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert value(pool, THINGS) == 1


def test_refusals_are_repeated_and_failures_are_not(
    things: FlaskClient, pool: Database, trouble: Trouble
) -> None:
    trouble.before = broken(CampaignStarted("too late"))
    assert things.post("/things", data="body", headers=KEY).status_code == 409
    trouble.before = lambda: None
    repeated = things.post("/things", data="body", headers=KEY)
    assert repeated.status_code == 409
    assert repeated.content_type == "application/problem+json"
    for n, error in enumerate(
        (DatabaseUnavailable("away"), ZeroDivisionError("bug"), TooManyRequests("full"))
    ):
        headers = {"Idempotency-Key": f"failure {n}"}
        trouble.before = broken(error)
        expected = (503, 500, 429)[n]
        try:
            assert things.post("/things", data="body", headers=headers).status_code == expected
        except ZeroDivisionError:
            assert expected == 500
        trouble.before = lambda: None
        assert things.post("/things", data="body", headers=headers).status_code == 201
    assert value(pool, THINGS) == 3


def test_what_was_done_before_a_failure_is_not_done_again(
    things: FlaskClient, pool: Database, path: str, trouble: Trouble
) -> None:
    trouble.after = broken(DatabaseUnavailable("away"))
    assert things.post(path, data="body", headers=KEY).status_code == 503
    assert things.post(path, data="another", headers=KEY).status_code == 422
    trouble.after = lambda: None
    answer = things.post(path, data="body", headers=KEY)
    assert answer.status_code == 201
    assert answer.json == {"id": value(pool, "SELECT id FROM recipient_lists")}
    assert things.post(path, data="body", headers=KEY).data == answer.data
    assert value(pool, THINGS) == 1


def test_a_crash_after_the_commit_makes_nothing_twice(
    things: FlaskClient, pool: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash after the commit frees the key in time and makes nothing twice."""
    # As a killed process leaves it: what it did is committed, and nobody ends its hold.
    monkeypatch.setattr(idempotency_lock.IdempotencyLock, "finish", lambda *_: None)
    assert things.post(path, data="body", headers=KEY).status_code == 201
    monkeypatch.undo()
    assert things.post(path, data="body", headers=KEY).status_code == 409
    change(pool, "UPDATE idempotency_keys SET locked_until = NOW(6) - INTERVAL 1 SECOND")
    again = things.post(path, data="body", headers=KEY)
    assert again.status_code == 201
    assert again.json == {"id": value(pool, "SELECT id FROM recipient_lists")}
    assert value(pool, THINGS) == 1


def test_who_was_taken_for_dead_and_goes_on_commits_nothing(
    app: Flask, pool: Database, path: str, trouble: Trouble
) -> None:
    successor = []

    def be_replaced() -> None:
        trouble.before = lambda: None
        change(pool, "UPDATE idempotency_keys SET locked_until = NOW(6) - INTERVAL 1 SECOND")
        successor.append(app.test_client().post(path, data="body", headers=KEY).status_code)

    trouble.before = be_replaced
    assert app.test_client().post(path, data="body", headers=KEY).status_code == 409
    assert successor == [201]
    assert value(pool, THINGS) == 1
    again = app.test_client().post(path, data="body", headers=KEY)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_request_that_was_replaced_commits_nothing(
    things: FlaskClient, pool: Database, path: str, trouble: Trouble
) -> None:
    """A request that was replaced by one still under way commits nothing."""
    other = "UPDATE idempotency_keys SET holder = REPEAT('x', 16)"
    trouble.before = lambda: assert_changed(pool, other)
    assert things.post(path, data="body", headers=KEY).status_code == 409
    assert value(pool, THINGS) == 0
    assert rows(pool, "SELECT effect, answered_at FROM idempotency_keys") == [(None, None)]


def assert_changed(pool: Database, sql: str) -> None:
    assert change(pool, sql) == 1


def test_a_lost_answer_to_the_commit_makes_nothing_twice(
    things: FlaskClient, pool: Database, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pool.run
    lost = []

    def lose_the_answer(work: Any, **options: Any) -> Any:  # noqa: ANN401
        made = value(pool, THINGS)
        result = real(work, **options)
        if not lost and value(pool, THINGS) > made:
            lost.append(True)
            raise CommitUnknown("no answer")
        return result

    monkeypatch.setattr(pool, "run", lose_the_answer)
    assert things.post(path, data="body", headers=KEY).status_code == 201
    assert lost
    assert value(pool, THINGS) == 1


def test_a_holder_that_lives_keeps_its_key(
    app: Flask, pool: Database, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_lock, "HEARTBEAT", 0.05)
    held = "SELECT locked_until FROM idempotency_keys"

    def see_it_move_on() -> None:
        seen = value(pool, held)
        for _ in range(400):
            if value(pool, held) > seen:
                return
            threading.Event().wait(0.02)
        raise AssertionError("the hold was not extended")

    trouble.before = see_it_move_on
    assert app.test_client().post("/things", data="body", headers=KEY).status_code == 201


def test_a_broken_stream_frees_its_key(
    things: FlaskClient, pool: Database, trouble: Trouble
) -> None:
    trouble.before = broken(CampaignStarted("broken off"))
    assert things.post("/things/stream", data="bo", headers=KEY).status_code == 409
    trouble.before = lambda: None
    assert things.post("/things/stream", data="body", headers=KEY).status_code == 201
    assert value(pool, THINGS) == 1


def test_a_key_is_forgotten_after_a_day(things: FlaskClient, pool: Database, path: str) -> None:
    things.post(path, data="body", headers=KEY)
    change(pool, "UPDATE idempotency_keys SET created_at = NOW(6) - INTERVAL 86395 SECOND")
    delete_outdated_keys(pool, threading.Event())
    assert "Idempotency-Replayed" in things.post(path, data="body", headers=KEY).headers
    change(pool, "UPDATE idempotency_keys SET created_at = NOW(6) - INTERVAL 86401 SECOND")
    assert things.post(path, data="other", headers=KEY).status_code == 201
    change(pool, "UPDATE idempotency_keys SET created_at = NOW(6) - INTERVAL 86401 SECOND")
    delete_outdated_keys(pool, threading.Event())
    assert rows(pool, "SELECT 1 FROM idempotency_keys") == []
    assert value(pool, THINGS) == 2
