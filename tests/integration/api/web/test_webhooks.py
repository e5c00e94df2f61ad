"""/v1/webhooks, by requests."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.settings import Settings, WebhooksSettings
from campaign_common.settings.declaration import schema_of

URL = "https://example.com/events"
SETTINGS: WebhooksSettings = schema_of(WebhooksSettings)().load({"Keys": [{"Value": "k" * 32}]})


@pytest.fixture
def webhooks(settings: Settings, pool: Database) -> FlaskClient:
    with pool.transaction() as cursor:
        for table in ("webhooks", "webhook_deliveries", "outgoing_events"):
            cursor.execute(f"DELETE FROM {table}")
    return create_app(replace(settings, webhooks=SETTINGS), Databases((pool,))).test_client()


def test_the_life_of_a_webhook(webhooks: FlaskClient, pool: Database) -> None:
    """Its secret is shown once, replaced, and not in the database as it is."""
    key = {"Idempotency-Key": "one"}
    made = webhooks.post("/v1/webhooks", json={"url": URL}, headers=key)
    assert made.status_code == 201, made.json
    path, secret = made.headers["Location"], made.json["secret"]
    assert secret.startswith("whsec_")
    again = webhooks.post("/v1/webhooks", json={"url": URL}, headers=key)
    assert again.json["secret"] == secret
    assert [one["secret"] for one in webhooks.get("/v1/webhooks").json["webhooks"]] == [None]
    with pool.reading() as cursor:
        cursor.execute("SELECT secret FROM webhooks")
        assert secret not in str(cursor.fetchall())
        cursor.execute("SELECT * FROM idempotency_keys")
        assert secret not in str(cursor.fetchall())
    changed = webhooks.patch(path, json={"kinds": ["list.imported"], "enabled": False})
    assert (changed.json["kinds"], changed.json["enabled"]) == (["list.imported"], False)
    rotated = webhooks.post(f"{path}/rotate")
    assert rotated.json["secret"] not in {None, secret}
    assert rotated.json["previous_until"] is not None
    tested = webhooks.post(f"{path}/test")
    assert (tested.status_code, tested.json["state"]) == (202, "pending")
    page = webhooks.get(f"{path}/deliveries?limit=1").json
    assert page["deliveries"] == [tested.json]
    assert webhooks.get(f"{path}/deliveries?cursor={page['next_cursor']}").json["deliveries"] == []
    redelivered = webhooks.post(f"{path}/deliveries/{tested.json['id']}/redeliver")
    assert redelivered.status_code == 202
    assert webhooks.delete(path).status_code == 204
    assert webhooks.get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "ftp://example.com/"},
        {"url": "https://user@example.com/"},
        {"url": "https://example.com/#part"},
        {"url": URL, "kinds": []},
        {"url": URL, "kinds": ["webhook.test"]},
    ],
)
def test_refused_webhooks(webhooks: FlaskClient, body: dict[str, object]) -> None:
    assert webhooks.post("/v1/webhooks", json=body).status_code == 422


def test_without_a_key_no_webhook_is_made(client: FlaskClient) -> None:
    refused = client.post("/v1/webhooks", json={"url": URL})
    assert refused.status_code == 409
    assert refused.json["type"].endswith(":webhook-key-missing")
