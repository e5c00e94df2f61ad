"""Names of the OpenAPI document, compared with the API that was promised."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campaign_api.openapi import document
from campaign_api.web.routing.operation_ids import OPERATION_IDS

REPOSITORY = Path(__file__).parents[3]
PAGE = {"cursor", "limit"}
QUERY: dict[str, set[str]] = {
    "GET /v1/campaigns": {"state", "name", "from", "to"} | PAGE,
    "GET /v1/campaigns/{campaign_id}/errors": {"cursor"},
    "GET /v1/campaigns/{campaign_id}/events": PAGE,
    "GET /v1/campaigns/{campaign_id}/messages": {"status", "error_code", "receipt", "phone"} | PAGE,
    "GET /v1/campaigns/{campaign_id}/messages.csv": {"status", "error_code", "receipt"},
    "GET /v1/events": {"kind", "actor", "from", "to"} | PAGE,
    "GET /v1/inbound": {"phone", "unsure", "keyword", "provider", "since"} | PAGE,
    "GET /v1/messages": {"phone"} | PAGE,
    "GET /v1/recipients/{phone}": {"limit"},
    "GET /v1/recipient-lists": PAGE,
    "GET /v1/recipient-lists/{list_id}/recipients": {"phone"} | PAGE,
    "GET /v1/recipient-lists/{list_id}/rejects": PAGE,
    "GET /v1/suppressions": {"scope", "reason", "source"} | PAGE,
    "GET /v1/suppressions.csv": {"scope", "reason", "source"},
    "POST /v1/suppressions.csv": {"scope", "reason", "source", "default_region"},
    "DELETE /v1/suppressions/{phone}": {"scope", "default_region"},
    "GET /v1/suppressions/{phone}": {"default_region"},
    "GET /v1/webhooks/{webhook_id}/deliveries": PAGE,
    "POST /v1/recipient-lists": {
        *("name", "phone_column", "name_column", "delimiter", "encoding", "default_region"),
        "reconsented",
    },
}
"""Of every other operation: none."""

VERBS = ("schedule", "start", "resume", "retry", "clone", "test")
IDEMPOTENT = {
    "POST /v1/recipient-lists",
    "POST /v1/campaigns",
    "POST /v1/api-keys",
    *(f"POST /v1/campaigns/{{campaign_id}}/{verb}" for verb in VERBS),
    "POST /v1/providers/{provider}/checks",
    "PUT /v1/routes/{name}",
    "POST /v1/webhooks",
    *(f"POST /v1/webhooks/{{webhook_id}}/{verb}" for verb in ("rotate", "test")),
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
}
CONDITIONAL = {
    "GET /v1/campaigns/{campaign_id}": "If-None-Match",
    "PATCH /v1/campaigns/{campaign_id}": "If-Match",
    "DELETE /v1/campaigns/{campaign_id}": "If-Match",
    "PUT /v1/routes/{name}": "If-Match",
    "DELETE /v1/routes/{name}": "If-Match",
}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in json.loads(document())["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


@pytest.mark.parametrize(("name", "operation"), list(operations()))
def test_every_parameter_is_documented(name: str, operation: dict[str, Any]) -> None:
    said = {(each["in"], each["name"]) for each in operation.get("parameters", ())}
    expected = {("query", each) for each in QUERY.get(name, ())}
    if name in IDEMPOTENT:
        expected.add(("header", "Idempotency-Key"))
    if name in CONDITIONAL:
        expected.add(("header", CONDITIONAL[name]))
    assert said == expected


def test_every_described_operation_exists() -> None:
    """Every operation that this module describes is in the document."""
    assert {*QUERY, *IDEMPOTENT, *CONDITIONAL} <= {name for name, _ in operations()}


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation.get("operationId") for _, operation in operations()]
    assert all(name and re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)
    assert len(set(names)) == len(names)


def test_no_name_is_of_an_operation_that_is_not_there() -> None:
    assert OPERATION_IDS.keys() == {name for name, _ in operations()}


def test_the_document_says_where_it_holds_and_whose_it_is() -> None:
    said = json.loads(document())
    assert said["servers"][0]["url"] == "/"
    assert said["info"]["license"]["identifier"] == "Apache-2.0"
    assert said["info"]["title"] == "camp-mgr"
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert [said["info"]["contact"]] == project["maintainers"]
