"""Cursors that no page gave out, at every route that takes one."""

import base64
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.message import Status
from campaign_common.settings import Settings
from tests.integration.api.messages_seed import CAMPAIGN, LIST, add_campaign, add_list, record

PATHS = (
    "/v1/campaigns",
    f"/v1/campaigns/{CAMPAIGN}/errors",
    f"/v1/campaigns/{CAMPAIGN}/events",
    f"/v1/campaigns/{CAMPAIGN}/messages",
    "/v1/events",
    "/v1/inbound",
    "/v1/messages?phone=13900000001",
    "/v1/recipient-lists",
    f"/v1/recipient-lists/{LIST}/recipients",
    f"/v1/recipient-lists/{LIST}/rejects",
    "/v1/suppressions",
    "/v1/webhooks/1/deliveries",
)

FORGED = {
    "nothing": "",
    "no base64": "!!!",
    "base64 of no JSON": base64.urlsafe_b64encode(b"{[").decode(),
    "base64 of no UTF-8": base64.urlsafe_b64encode(b'["\xff\xfe"]').decode(),
    "a number": "MQ",
    **{
        name: base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        for name, text in {
            "null": "null",
            "an object": '{"seq": 1}',
            "no elements": "[]",
            "too many elements": json.dumps([1] * 9),
            "null in a list": "[null, null, null]",
            "fractions": "[1.5, 1.5, 1.5]",
            "no numbers": "[NaN, Infinity, -Infinity]",
            "negative": "[-1, -1, -1]",
            "beyond 64 bits": json.dumps([2**63] * 3),
            "far beyond": json.dumps([10**400] * 3),
            "SQL": """["1 OR 1=1", "'; DROP TABLE campaigns; --", "x"]""",
            "lists": "[[1], [1], [1]]",
            "deep": "[" * 50_000,
        }.items()
    },
}


@pytest.fixture
def app(settings: Settings, pool: Database) -> Flask:
    add_list(pool, range(1, 6))
    add_campaign(pool)
    record(pool, dict.fromkeys(range(1, 6), Status.SENT))
    return create_app(settings, Databases((pool,)))


@pytest.fixture
def forging_client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_these_are_all_the_routes_that_take_a_cursor(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    assert document is not None
    taking = [
        path
        for path, operations in document["paths"].items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["name"] == "cursor"
    ]
    assert len(taking) == len(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_forged_cursor_is_refused(forging_client: FlaskClient, path: str) -> None:
    """In one test for all of them: each is a moment, and the data are made for each test."""
    for name, cursor in FORGED.items():
        joined = f"{path}{'&' if '?' in path else '?'}cursor={cursor}"
        assert forging_client.get(joined).status_code == 422, name
