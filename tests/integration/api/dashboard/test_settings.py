"""Providers, API keys, audit and webhooks as pages: what they change, and who did it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import ApiKey, Scope
from campaign_common.settings import Settings, WebhooksSettings
from campaign_common.settings.declaration import schema_of
from tests.integration.api.dashboard.visitor import HOSTILE, PAGE, Visitor, markup
from tests.integration.api.providers.heartbeats import beat, statistics
from tests.integration.api.stored import change, rows
from tests.support.keys import make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer

SHORT = HOSTILE[:64]
WEBHOOKS: WebhooksSettings = schema_of(WebhooksSettings)().load({"Keys": [{"Value": "k" * 32}]})
LIMITS = "/providers/simulated/limits"
LIMIT = {"per_second": "20", "unit": "segments", "zone": "Asia/Tokyo", "per_day": "", "ramp": ""}
ADMIN_PAGES = ["/api-keys", "/webhooks", "/webhooks/{webhook}", "/webhooks/{webhook}/delete"]


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


@pytest.fixture
def client(settings: Settings, pool: Database) -> FlaskClient:
    """Of an application that can make webhooks."""
    for table in ("webhooks", "webhook_deliveries", "outgoing_events"):
        change(pool, f"DELETE FROM {table}")
    configured = replace(settings, webhooks=WEBHOOKS)
    return create_app(configured, Databases((pool,))).test_client()


def secret_of(page: TestResponse) -> str:
    (found,) = re.findall(r'<code class="secret" id="secret">([^<]+)</code>', page.text)
    return str(found)


def made_key(visitor: Visitor, **fields: str) -> TestResponse:
    wanted = {"name": "night shift", "scope": "write", **fields}
    return visitor.press(visitor.open("/api-keys"), "/api-keys", **wanted)


def made_webhook(visitor: Visitor, **fields: str) -> TestResponse:
    wanted = {"url": "https://example.com/events", **fields}
    return visitor.press(visitor.open("/webhooks"), "/webhooks", **wanted)


def webhook_id(pool: Database) -> int:
    ((found,),) = rows(pool, "SELECT MAX(id) FROM webhooks")
    return int(found)


def audited(visitor: Visitor, **filters: str) -> list[tuple[str, ...]]:
    """The kind, the actor and the details of each event that the audit shows."""
    page = visitor.client.get("/audit", query_string=filters, headers=PAGE)
    assert page.status_code == 200
    found = re.findall(
        r'<th scope="row">([^<]+)</th>\s*<td>(.*?)</td>\s*<td>.*?</td>\s*<td[^>]*>(.*?)</td>',
        page.text,
        re.DOTALL,
    )
    return [tuple(re.sub(r"<[^>]+>", " ", part).strip() for part in each) for each in found]


# Providers


def test_a_provider_has_its_state_and_senders(visitor: Visitor, pool: Database) -> None:
    beat(pool, "sender-1", simulated=statistics("open", answers={"accepted": 41, "permanent": 2}))
    page = visitor.open("/providers")
    assert re.search(r"left alone: its sends fail", page.text)
    assert re.search(r'<td class="number">41</td>\s*<td class="number">2</td>', page.text)
    one = visitor.open("/providers/simulated")
    assert re.search(r"sender-1</th>\s*<td>.*?</td>\s*<td>open</td>", one.text, re.DOTALL)
    assert visitor.open("/providers/none").status_code == 404


@pytest.mark.parametrize("path", ["/provider-states", "/providers/simulated/live"])
def test_states_are_followed_and_small(visitor: Visitor, pool: Database, path: str) -> None:
    beat(pool)
    part = visitor.open(path)
    assert re.search(rf'data-live="{path}\?seed=[0-9a-f]+" data-pace="5000"', part.text)
    assert len(part.data) < 5_000


def test_limits_are_set_and_left_to_the_configuration(visitor: Visitor, pool: Database) -> None:
    fields = {**LIMIT, "per_second": "0.5", "ramp": "2027-01-31 - 500\n\n2027-02-01 7 -\n"}
    page = visitor.open("/providers/simulated")
    assert visitor.press(page, LIMITS, **fields).status_code == 303
    ((stored, by),) = rows(pool, "SELECT limits, changed_by FROM provider_limits")
    assert by == "Ann"
    for part in ('"per_second": "0.5"', '"unit": "segments"', '"zone": "Asia/Tokyo"'):
        assert part in stored
    page = visitor.open("/providers/simulated")
    assert "0.5 segments a second, a ramp from 2027-01-31, set live" in page.text
    assert "2027-01-31 - 500\n2027-02-01 7 -</textarea>" in page.text
    assert visitor.press(page, "/configured-limits").status_code == 303
    assert rows(pool, "SELECT 1 FROM provider_limits") == []
    assert [each[:2] for each in audited(visitor, kind="provider")] == [
        ("provider.limits", "Ann"),
        ("provider.limits", "Ann"),
    ]


@pytest.mark.parametrize("live_before", [False, True])
def test_limits_of_another_person_are_not_replaced(
    visitor: Visitor, pool: Database, live_before: bool
) -> None:
    """The page keeps the typed limits, which may be sent again over those."""
    if live_before:
        visitor.press(visitor.open("/providers/simulated"), LIMITS, **LIMIT)
    mine, theirs = visitor.open("/providers/simulated"), visitor.open("/providers/simulated")
    assert visitor.press(theirs, LIMITS, **{**LIMIT, "per_second": "7"}).status_code == 303
    refused = visitor.press(mine, LIMITS, **{**LIMIT, "per_second": "9"})
    assert refused.status_code == 412
    assert "somebody has changed these limits" in refused.text
    assert '"per_second": "7"' in rows(pool, "SELECT limits FROM provider_limits")[0][0]
    again = visitor.press(refused, LIMITS, **{**LIMIT, "per_second": "9"})
    assert again.status_code == 303
    assert '"per_second": "9"' in rows(pool, "SELECT limits FROM provider_limits")[0][0]


def test_wrong_limits_are_said_at_their_field(visitor: Visitor) -> None:
    page = visitor.open("/providers/simulated")
    refused = visitor.press(page, LIMITS, **{**LIMIT, "zone": HOSTILE, "per_second": HOSTILE})
    assert refused.status_code == 422
    for field in ("zone", "per_second"):
        assert f'<p class="message" id="{field}-message">must be ' in refused.text
        assert f'<a href="#{field}">' in refused.text
    assert refused.text.count("&lt;script&gt;") == 2
    assert markup(refused.text) == []


# API keys


def test_a_key_is_shown_once_and_kept_nowhere(visitor: Visitor, pool: Database) -> None:
    with capture_logs() as lines:
        page = made_key(visitor)
    key = ApiKey.parse(secret_of(page))
    assert key is not None
    assert page.headers["Cache-Control"] == "no-store"
    assert key.secret not in str(lines)
    assert key.secret not in visitor.open("/api-keys").text
    for table in ("api_keys", "idempotency_keys", "outgoing_events"):
        assert key.secret not in str(rows(pool, f"SELECT * FROM {table}"))
    other = Visitor(visitor.client)
    assert other.sign_in(key).status_code == 303
    assert other.open("/campaigns").status_code == 200


def test_a_form_sent_twice_makes_one_key(visitor: Visitor, pool: Database) -> None:
    page = visitor.open("/api-keys")
    wanted = {"name": "night shift", "scope": "read"}
    first = visitor.press(page, "/api-keys", **wanted)
    again = visitor.press(page, "/api-keys", **wanted)
    assert (first.status_code, again.status_code) == (200, 200)
    assert secret_of(first)
    assert 'id="secret"' not in again.text
    assert "made by an earlier request" in again.text
    assert len(rows(pool, "SELECT id FROM api_keys WHERE name = 'night shift'")) == 1


def test_a_key_without_a_name_is_refused_on_the_page(visitor: Visitor) -> None:
    refused = made_key(visitor, name=f" {SHORT}")
    assert refused.status_code == 422
    assert 'id="name-message"' in refused.text
    assert "&lt;script&gt;" in refused.text
    assert markup(refused.text) == []


def test_a_key_is_revoked_after_a_question(visitor: Visitor, pool: Database) -> None:
    key = make_key(pool, Scope.READ, "old")
    ask = visitor.open(f"/api-keys/{key.id}/revoke")
    assert "You will be signed out" not in ask.text
    assert rows(pool, "SELECT revoked_at FROM api_keys WHERE name = 'old'") == [(None,)]
    assert visitor.press(ask, "/revoke").location == "/api-keys"
    assert rows(pool, "SELECT revoked_at FROM api_keys WHERE name = 'old'") != [(None,)]
    assert "revoked already" in visitor.open(f"/api-keys/{key.id}/revoke").text
    assert visitor.open(f"/api-keys/{key.token}/revoke").status_code == 404


def test_the_own_and_last_admin_key_is_marked(visitor: Visitor, pool: Database) -> None:
    ((own,),) = rows(pool, "SELECT id FROM api_keys")
    ask = visitor.open(f"/api-keys/{own}/revoke")
    assert "You will be signed out" in ask.text
    assert "No other key has the scope admin" in ask.text


# Webhooks


def test_the_life_of_a_webhook(visitor: Visitor, pool: Database) -> None:
    with capture_logs() as lines:
        made = made_webhook(visitor, kinds="list.imported")
    secret = secret_of(made)
    assert secret.startswith("whsec_")
    assert made.headers["Cache-Control"] == "no-store"
    assert secret not in str(lines)
    path = f"/webhooks/{webhook_id(pool)}"
    page = visitor.open(path)
    assert secret not in page.text
    assert 'value="list.imported" checked' in page.text
    assert visitor.press(page, "/test").location == path
    page = visitor.open(path)
    assert "webhook.test" in page.text
    assert f'data-live="{path}/deliveries?seed=' in page.text
    assert visitor.press(page, "/disable").location == path
    assert rows(pool, "SELECT enabled FROM webhooks") == [(0,)]
    page = visitor.open(path)
    assert "data-live" not in page.text
    assert visitor.press(page, "/enable").status_code == 303
    rotated = visitor.press(visitor.open(path), "/rotate")
    assert secret_of(rotated) not in ("", secret)
    fields = {"url": "https://example.com/other", "kinds": "campaign.finished"}
    assert visitor.press(visitor.open(path), "/change", **fields).status_code == 303
    assert rows(pool, "SELECT url, kinds FROM webhooks") == [
        ("https://example.com/other", '["campaign.finished"]')
    ]
    assert visitor.press(visitor.open(f"{path}/delete"), "/delete").location == "/webhooks"
    assert visitor.open(path).status_code == 404
    stored = str(rows(pool, "SELECT * FROM idempotency_keys"))
    assert secret not in stored


def test_a_delivery_is_repeated(visitor: Visitor, pool: Database) -> None:
    made_webhook(visitor)
    path = f"/webhooks/{webhook_id(pool)}"
    visitor.press(visitor.open(path), "/test")
    change(pool, "UPDATE webhook_deliveries SET state = 'given_up', error = %s", SHORT[:32])
    page = visitor.open(path)
    assert "given up" in page.text
    assert markup(page.text) == []
    assert visitor.press(page, "/redeliver").status_code == 303
    assert rows(pool, "SELECT state FROM webhook_deliveries") == [("pending",)]
    change(pool, "DELETE FROM webhook_deliveries")
    late = visitor.press(page, "/redeliver", more="1")
    assert late.status_code == 422, "another request under the same key"
    key = {"idempotency_key": "new"}
    gone = visitor.send(f"{path}/deliveries/1/redeliver", key)
    assert gone.status_code == 404
    assert "Deliveries" in gone.text


def test_deliveries_have_pages(visitor: Visitor, pool: Database) -> None:
    made_webhook(visitor)
    path = f"/webhooks/{webhook_id(pool)}"
    for number in range(51):
        visitor.send(f"{path}/test", {"idempotency_key": str(number)})
    page = visitor.open(path)
    assert page.text.count("webhook.test") == 50
    (second,) = re.findall(r'href="([^"]+)" rel="next"', page.text)
    rest = visitor.open(second.replace("&amp;", "&"))
    assert rest.text.count("webhook.test") == 1
    assert "data-live" not in rest.text
    assert visitor.open(f"{path}?cursor=x").status_code == 422


def test_a_refused_webhook_keeps_what_was_typed(visitor: Visitor, pool: Database) -> None:
    refused = made_webhook(visitor, url=HOSTILE, kinds="list.imported")
    assert refused.status_code == 422
    assert 'id="url-message"' in refused.text
    assert 'value="list.imported" checked' in refused.text
    assert markup(refused.text) == []
    assert rows(pool, "SELECT 1 FROM webhooks") == []


# Audit


def test_changes_are_found_with_their_actor(visitor: Visitor, pool: Database) -> None:
    made_key(visitor)
    ((key_id,),) = rows(pool, "SELECT id FROM api_keys WHERE name = 'night shift'")
    visitor.press(visitor.open(f"/api-keys/{key_id}/revoke"), "/revoke")
    made_webhook(visitor)
    path = f"/webhooks/{webhook_id(pool)}"
    visitor.press(visitor.open(path), "/disable")
    visitor.press(visitor.open(path), "/rotate")
    visitor.press(visitor.open(f"{path}/delete"), "/delete")
    visitor.press(visitor.open("/providers/simulated"), LIMITS, **LIMIT)
    assert [each[0] for each in audited(visitor, actor="Ann")] == [
        "provider.limits",
        "webhook.deleted",
        "webhook.rotated",
        "webhook.changed",
        "webhook.created",
        "api_key.revoked",
        "api_key.created",
    ]
    (disabled,) = audited(visitor, kind="webhook.changed")
    assert disabled == ("webhook.changed", "Ann", "enabled: false")
    assert audited(visitor, actor="Bob") == []
    assert "example.com" not in str(audited(visitor, kind="webhook"))


def test_events_are_filtered_by_time_and_have_pages(visitor: Visitor, pool: Database) -> None:
    for minute in range(60):
        change(
            pool,
            "INSERT INTO campaign_events (campaign_id, at, actor, to_state)"
            f" VALUES (1, '2026-01-01 00:{minute:02}:00', 'Bob', 'draft')",
        )
    found = {"from": "2026-01-01T00:05", "to": "2026-01-01T00:07"}
    assert len(audited(visitor, actor="Bob", **found)) == 2
    page = visitor.open("/audit?actor=Bob")
    assert page.text.count("campaign.created</th>") == 50
    (second,) = re.findall(r'href="([^"]+)" rel="next"', page.text)
    assert visitor.open(second.replace("&amp;", "&")).text.count("campaign.created</th>") == 10
    assert "No event is like that" in visitor.open("/audit?actor=nobody").text
    wrong = visitor.open("/audit?from=yesterday&cursor=x")
    assert wrong.status_code == 422
    assert 'id="from-message"' in wrong.text


@pytest.mark.parametrize("path", ["/audit", "/api-keys", "/providers/simulated", "/webhooks/{id}"])
def test_hostile_names_are_markup_nowhere(client: FlaskClient, pool: Database, path: str) -> None:
    hostile = Visitor(client)
    hostile.sign_in(make_key(pool, Scope.ADMIN, SHORT))
    beat(pool, SHORT, {"simulated": HOSTILE}, simulated=statistics("open"))
    hostile.press(hostile.open("/providers/simulated"), LIMITS, **LIMIT)
    made_webhook(hostile)
    change(
        pool, "UPDATE webhook_changes SET details = %s", '{"<img>": {"<b>": "<script>alert(1)"}}'
    )
    change(pool, "UPDATE webhooks SET disabled_reason = '<img src=x>', enabled = 0")
    page = hostile.open(path.format(id=webhook_id(pool)))
    assert page.status_code == 200
    assert "alert(1)" in page.text
    assert markup(page.text) == []
    assert "<b>" not in page.text


# Scopes


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_what_is_for_admins_is_not_offered_to_others(
    client: FlaskClient, pool: Database, scope: Scope
) -> None:
    admin = Visitor(client)
    admin.sign_in(make_key(pool, Scope.ADMIN))
    made_webhook(admin)
    number, key = webhook_id(pool), make_key(pool, scope, "Bob")
    before: Any = rows(pool, "SELECT * FROM webhooks")
    other = Visitor(client)
    other.sign_in(key)
    for path in (*ADMIN_PAGES, f"/api-keys/{key.id}/revoke"):
        assert other.open(path.format(webhook=number)).status_code == 403
    for path in ("/providers", "/providers/simulated", "/audit"):
        page = other.open(path)
        assert page.status_code == 200
        actions = set(re.findall(r'<form method="post" action="([^"]+)"', page.text))
        assert actions == {"/sign-out"}
        assert not re.search(r'href="/(api-keys|webhooks)', page.text)
    assert "api_key" not in other.open("/audit").text
    assert "webhook" not in other.open("/audit").text
    assert other.open("/audit?kind=webhook").status_code == 403
    sent = {"idempotency_key": "a"}
    for path in (
        LIMITS,
        "/providers/simulated/configured-limits",
        "/api-keys",
        f"/api-keys/{key.id}/revoke",
        "/webhooks",
        *(
            f"/webhooks/{number}/{action}"
            for action in ("test", "rotate", "enable", "disable", "change", "delete")
        ),
        f"/webhooks/{number}/deliveries/1/redeliver",
    ):
        assert other.send(path, sent).status_code == 403, path
    assert rows(pool, "SELECT * FROM webhooks") == before
