import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_api.web.auth import api_key_cache
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.errors import DatabaseUnavailable
from campaign_common.settings import Settings
from campaign_common.store.access.api_keys import revoke_key
from tests.integration.api.stored import REQUEST, change, create, rows, value
from tests.support.keys import bearer, make_key
from tests.support.waiting import wait_until

OPEN = {
    *("/healthz", "/readyz", "/openapi.json", "/docs", "/docs/", "/docs/<path:path>"),
    "/u/<reference>",
}
CHANGING = {"POST", "PATCH", "PUT", "DELETE"}
READ_ONLY_POSTS = ("/preview", "/previews", "/dry-run")
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


class Clock:
    """The key ring's clock, which a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(api_key_cache, "time", clock)
    return clock


CHECK = "/v1/providers/<provider>/checks/<int:check_id>"
"""The result of a check shows what a gateway answers: only those who may ask for one read it."""

OF_ADMINS = {
    *(CHECK, "/v1/api-keys", "/v1/webhooks", "/v1/webhooks/<int:webhook_id>"),
    "/v1/webhooks/<int:webhook_id>/deliveries",
}


def operations(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every rule and method, with a path that it matches."""
    for rule in app.url_map.iter_rules():
        values = {
            name: 5 if converter.regex == r"\d+" else "13961467500"
            for name, converter in rule._converters.items()
        }
        built = rule.build(values)
        assert built is not None
        for method in sorted(rule.methods or ()):
            yield rule, method, built[1]


def refused(answer: TestResponse, status: int) -> bool:
    if answer.request.path.startswith("/v1/camp/"):
        form = answer.json is not None and answer.json["code"] == -1 and bool(answer.json["msg"])
    else:
        form = answer.content_type == "application/problem+json"
    challenged = answer.headers.get("WWW-Authenticate") == 'Bearer realm="camp-mgr"'
    return answer.status_code == status and form and challenged == (status == 401)


def test_once_there_is_a_key_only_open_pages_need_none(settings: Settings, pool: Database) -> None:
    """Everything but the open pages needs a key once there is one."""
    app = create_app(settings, Databases((pool,)))
    client = app.test_client()
    reader = make_key(pool, Scope.READ)
    seen_open = set()
    for rule, method, path in operations(app):
        answer = client.open(path, method=method)
        with_reader = client.open(path, method=method, headers=bearer(reader))
        if rule.endpoint.startswith("dashboard"):
            # Its own tests show who is let in: by a session, which an API key is not.
            shown = {"/sign-in": 200, "/static/<digest>/<path:reference>": 404}
            expected = shown.get(rule.rule, 303) if method in ("GET", "HEAD") else 403
            assert method == "OPTIONS" or answer.status_code == expected, (method, path)
            continue
        if rule.rule in OPEN:
            seen_open.add(rule.rule)
            assert answer.status_code not in (401, 403), (method, path)
            continue
        assert method == "HEAD" or refused(answer, 401), (method, path)
        assert answer.status_code == 401
        changing = method in CHANGING and not path.endswith(READ_ONLY_POSTS)
        forbidden = changing or (rule.rule in OF_ADMINS and method != "OPTIONS")
        assert (with_reader.status_code == 403) == forbidden, (method, path)
    assert seen_open == OPEN


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/camp/nothing", "/nothing", "/metrics", "/v1/stats/"]
)
def test_nobody_without_a_key_learns_which_paths_exist(
    client: FlaskClient, pool: Database, path: str
) -> None:
    key = make_key(pool, Scope.READ)
    assert refused(client.get(path), 401)
    assert client.get(path, headers=bearer(key)).status_code == 404


def test_without_any_key_only_this_machine_is_let_in(client: FlaskClient, pool: Database) -> None:
    """While there is no key, only clients on this machine are let in."""
    assert client.get("/v1/campaigns/5").status_code == 404
    answer = client.get("/v1/campaigns/5", environ_overrides=ELSEWHERE)
    assert refused(answer, 401)
    assert answer.json is not None
    assert "campaign-db key create --name me --scope admin" in answer.json["detail"]
    assert refused(client.get("/v1/campaigns/5", headers={"X-Forwarded-For": "127.0.0.1"}), 401)
    original = client.post("/v1/camp/create", json=REQUEST, environ_overrides=ELSEWHERE)
    assert refused(original, 401)
    assert original.json is not None
    assert "campaign-db key create" in original.json["msg"]

    make_key(pool, Scope.READ)
    assert refused(client.get("/v1/campaigns/5"), 401)


def test_a_revoked_key_alone_still_keeps_this_machine_out(
    client: FlaskClient, pool: Database
) -> None:
    key = make_key(pool, Scope.ADMIN)
    pool.run(lambda cursor: revoke_key(cursor, key.id))
    assert refused(client.get("/v1/campaigns/5"), 401)


def test_each_scope_allows_what_it_says(client: FlaskClient, pool: Database) -> None:
    by_scope = {scope: bearer(make_key(pool, scope)) for scope in Scope}
    for scope, reading, writing, erasing in (
        (Scope.READ, 404, 403, 403),
        (Scope.WRITE, 404, 404, 403),
        (Scope.ADMIN, 404, 404, 202),
    ):
        headers = by_scope[scope]
        assert client.get("/v1/campaigns/5", headers=headers).status_code == reading
        assert client.post("/v1/campaigns/5/pause", headers=headers).status_code == writing
        erased = client.delete("/v1/recipients/13961467500", headers=headers)
        assert erased.status_code == erasing
    refusal = client.post("/v1/campaigns/5/pause", headers=by_scope[Scope.READ])
    assert refused(refusal, 403)
    assert refusal.json is not None
    assert "read" in refusal.json["detail"]
    assert "write" in refusal.json["detail"]


def test_a_key_that_is_not_quite_right_is_refused(client: FlaskClient, pool: Database) -> None:
    key = make_key(pool, Scope.ADMIN)
    other = ApiKey.generate()
    for shown in (
        f"Bearer {key.id}.{other.secret}",
        f"Bearer {other.id}.{key.secret}",
        f"Bearer {key.id}",
        f"Bearer {key.token}x",
        f"Basic {key.token}",
        "Bearer",
        "",
    ):
        assert refused(client.get("/v1/campaigns/5", headers={"Authorization": shown}), 401), shown
    assert client.get(
        "/v1/campaigns/5", headers={"Authorization": f"bearer {key.token}"}
    ).status_code == (404)


def test_only_a_digest_of_the_secret_is_stored(pool: Database) -> None:
    key = make_key(pool, Scope.ADMIN)
    ((stored,),) = rows(pool, "SELECT secret_sha256 FROM api_keys")
    assert bytes(stored) == key.digest()
    assert key.secret.encode() not in bytes(stored)
    assert key.secret not in repr(key)


def test_a_key_works_at_once_and_not_seconds_after_its_end(
    client: FlaskClient, pool: Database, clock: Clock
) -> None:
    """A key works from the moment it is made and not seconds after it is revoked."""
    first = make_key(pool, Scope.READ)
    assert client.get("/v1/campaigns/5", headers=bearer(first)).status_code == 404
    second = make_key(pool, Scope.READ)
    assert client.get("/v1/campaigns/5", headers=bearer(second)).status_code == 404
    pool.run(lambda cursor: revoke_key(cursor, first.id))
    clock.now += 4.0
    assert refused(client.get("/v1/campaigns/5", headers=bearer(first)), 401)
    assert client.get("/v1/campaigns/5", headers=bearer(second)).status_code == 404


def test_a_stale_copy_of_the_keys_is_renewed_beside_requests(
    client: FlaskClient, pool: Database, clock: Clock
) -> None:
    """A copy that is not fresh any more is renewed beside the requests that use it."""
    key = make_key(pool, Scope.READ)
    asked = partial(client.get, "/v1/campaigns/5", headers=bearer(key))
    assert asked().status_code == 404
    pool.run(lambda cursor: revoke_key(cursor, key.id))
    clock.now += 3.0
    wait_until(lambda: refused(asked(), 401))


def test_without_the_database_only_a_young_copy_decides(
    settings: Settings, pool: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the database a young copy of the keys decides, and an old one refuses every key."""
    client = create_app(settings, Databases((pool,))).test_client()
    key = make_key(pool, Scope.READ)
    assert client.get("/v1/nothing", headers=bearer(key)).status_code == 404
    looks = 0

    def away(*_: object, **__: object) -> None:
        nonlocal looks
        looks += 1
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(pool, "reading", away)
    clock.now += 3.0
    for _ in range(5):
        assert client.get("/v1/nothing", headers=bearer(key)).status_code == 404
    wait_until(lambda: looks == 1)
    for _ in range(5):
        assert client.get("/v1/nothing", headers=bearer(key)).status_code == 404
    assert looks == 1  # an unreachable database is not asked for every request
    clock.now += 1.5
    assert client.get("/v1/nothing", headers=bearer(key)).status_code == 503
    assert client.get("/v1/nothing").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_use_of_a_key_is_noted_once_a_minute_at_most(
    client: FlaskClient, pool: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Use is noted at most once a minute and never fails a request."""
    key = make_key(pool, Scope.READ)
    used = "SELECT last_used_at FROM api_keys"
    assert value(pool, used) is None
    client.get("/v1/nothing", headers=bearer(key))
    wait_until(lambda: value(pool, used) is not None)
    noted = value(pool, used)
    clock.now += 59
    client.get("/v1/nothing", headers=bearer(key))
    assert value(pool, used) == noted
    clock.now += 2
    tried = threading.Event()

    def away(**_: object) -> None:
        tried.set()
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(pool, "transaction", away)
        assert client.get("/v1/nothing", headers=bearer(key)).status_code == 404
        assert tried.wait(10)
    clock.now += 61
    client.get("/v1/nothing", headers=bearer(key))
    wait_until(lambda: value(pool, used) > noted)


def test_auth_none_opens_everything(settings: Settings, pool: Database) -> None:
    make_key(pool, Scope.READ)
    client = create_app(replace(settings, auth="none"), Databases((pool,))).test_client()
    answer = client.post("/v1/campaigns/5/pause", environ_overrides=ELSEWHERE)
    assert answer.status_code == 404


def test_changes_carry_the_name_of_the_key(
    client: FlaskClient, pool: Database, settings: Settings
) -> None:
    (settings.csv_root / "recipients.csv").write_text("Ann,13961467500\n")
    create(client)
    change(pool, "UPDATE campaigns SET state = 'running', shards = 2")
    key = make_key(pool, Scope.WRITE, "night shift")
    path = f"/v1/campaigns/{REQUEST['campaign_id']}/pause"
    assert client.post(path, headers=bearer(key)).status_code == 200
    assert rows(pool, "SELECT actor FROM campaign_events WHERE to_state = 'paused'") == [
        ("night shift",)
    ]
