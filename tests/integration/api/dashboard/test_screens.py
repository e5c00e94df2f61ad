"""Screens: hostile text is text, scopes decide, and a form is carried out once."""

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.settings import Settings
from tests.integration.api.dashboard.visitor import HOSTILE, PAGE, Visitor, markup
from tests.integration.api.drafted import LATER, body, events
from tests.integration.api.stored import add_list
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


def make_campaign(client: FlaskClient, pool: Database, name: str = "spring") -> int:
    add_list(pool, [("13961467500", "Ann", {})])
    key = make_key(pool, Scope.WRITE, HOSTILE[:64])
    wanted = {"name": name, "template": name, "recipient_list_id": 1, "scheduled_at": LATER}
    answer = client.post("/v1/campaigns", json=wanted, headers=bearer(key))
    return int(body(answer)["id"])


@pytest.mark.parametrize("path", ["/", "/campaigns", "/campaigns/{id}", "/campaigns/{id}/cancel"])
def test_hostile_text_is_markup_nowhere(visitor: Visitor, pool: Database, path: str) -> None:
    campaign_id = make_campaign(visitor.client, pool, HOSTILE)
    page = visitor.open(path.format(id=campaign_id))
    assert page.status_code == 200
    assert "alert(1)" in page.text
    assert markup(page.text) == []
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_hostile_fields_come_back_as_text(visitor: Visitor) -> None:
    page = visitor.client.get("/campaigns", query_string={"name": HOSTILE}, headers=PAGE)
    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)" in page.text


def test_a_form_that_is_sent_twice_is_carried_out_once(visitor: Visitor, pool: Database) -> None:
    campaign_id = make_campaign(visitor.client, pool)
    page = visitor.open(f"/campaigns/{campaign_id}")
    first = visitor.press(page, "/clone")
    again = visitor.press(page, "/clone")
    assert first.status_code == again.status_code == 303
    assert first.location == again.location != f"/campaigns/{campaign_id}"
    other = visitor.press(visitor.open(f"/campaigns/{campaign_id}"), "/clone")
    assert other.location != first.location


def test_a_form_without_its_key_is_refused(visitor: Visitor, pool: Database) -> None:
    campaign_id = make_campaign(visitor.client, pool)
    assert visitor.send(f"/campaigns/{campaign_id}/start", {}).status_code == 422


def test_a_scope_that_may_only_read_is_offered_nothing(client: FlaskClient, pool: Database) -> None:
    campaign_id = make_campaign(client, pool)
    reader = Visitor(client)
    reader.sign_in(make_key(pool, Scope.READ))
    page = reader.open(f"/campaigns/{campaign_id}")
    actions = set(re.findall(r'<form method="post" action="([^"]+)"', page.text))
    assert actions == {"/sign-out"}
    before = events(pool, campaign_id)
    assert reader.send(f"/campaigns/{campaign_id}/cancel", {}).status_code == 403
    assert reader.open(f"/campaigns/{campaign_id}/cancel").status_code == 403
    assert events(pool, campaign_id) == before


def test_what_the_state_refuses_is_said_on_the_page(visitor: Visitor, pool: Database) -> None:
    campaign_id = make_campaign(visitor.client, pool)
    page = visitor.open(f"/campaigns/{campaign_id}/cancel")
    assert visitor.press(page, "/cancel").status_code == 303
    late = visitor.open(f"/campaigns/{campaign_id}/cancel")
    key = dict(re.findall(r'name="(idempotency_key)" value="([^"]+)"', late.text))
    answer = visitor.send(f"/campaigns/{campaign_id}/start", key)
    assert answer.status_code == 409
    assert "error-summary" in answer.text


def test_retry_is_a_form_for_each_status(visitor: Visitor, pool: Database) -> None:
    campaign_id = make_campaign(visitor.client, pool)
    path = f"/campaigns/{campaign_id}/retry/"
    key = {"idempotency_key": "a"}
    assert visitor.send(f"{path}failed", key).status_code == 409  # it has not run
    assert visitor.send(f"{path}sent", key | {"x": "1"}).status_code == 422


def test_a_fragment_without_news_is_not_sent_again(visitor: Visitor, pool: Database) -> None:
    campaign_id = make_campaign(visitor.client, pool)
    page = visitor.open(f"/campaigns/{campaign_id}")
    (path,) = re.findall(r'data-live="([^"]+)" data-pace="5000"', page.text)
    first = visitor.open(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert len(first.data) < 5_000
    again = visitor.client.get(path, headers={**PAGE, "If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_an_unknown_page_is_readable(client: FlaskClient, pool: Database) -> None:
    key = make_key(pool, Scope.READ)
    page = client.get("/nothing", headers=PAGE)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    answer = client.get("/v1/nothing", headers={**PAGE, **bearer(key)})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("setting", "page", "api"), [("on", 303, 401), ("off", 401, 401), ("only", 303, 404)]
)
def test_the_setting_says_what_is_served(
    settings: Settings, pool: Database, setting: str, page: int, api: int
) -> None:
    make_key(pool, Scope.READ)
    configured = replace(settings, dashboard=setting)  # type: ignore[arg-type]
    client = create_app(configured, Databases((pool,))).test_client()
    assert client.get("/", headers=PAGE).status_code == page
    key = make_key(pool, Scope.READ) if setting == "only" else None
    assert client.get("/v1/campaigns", headers=bearer(key) if key else {}).status_code == api


def test_static_files_are_kept_for_good(client: FlaskClient) -> None:
    page = client.get("/sign-in", headers=PAGE)
    paths = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(paths) == 4
    for path in paths:
        file = client.get(path)
        assert file.headers["Cache-Control"].endswith("immutable")
        assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/static/0/../pages.py").status_code == 404
