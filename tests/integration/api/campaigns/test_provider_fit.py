"""Campaigns that their provider cannot send."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.settings import Settings
from tests.integration.api.campaigns.test_dry_run import add_list, draft, people, played
from tests.integration.api.drafted import problem
from tests.unit.providers.gateways import gateway

TEXT = {"Type": "form", "Form": {"text": "{body}"}}


@pytest.fixture
def client_of(settings: Settings, pool: Database) -> Callable[..., FlaskClient]:
    def make(**keys: Any) -> FlaskClient:  # noqa: ANN401
        configured = replace(settings, providers={"gateway": gateway(**keys)}, provider="gateway")
        return create_app(configured, Databases((pool,))).test_client()

    return make


def test_a_dry_run_counts_what_is_too_long(
    client_of: Callable[..., FlaskClient], pool: Database
) -> None:
    add_list(pool, people(p4=("x" * 200, {})))
    client = client_of(Body=TEXT, MaxLength=100)
    assert played(client, draft(client))["provider"] == {
        "name": "gateway",
        "problem": None,
        "max_length": 100,
        "too_long": 1,
    }


def test_a_dry_run_names_a_provider_that_is_gone(
    client_of: Callable[..., FlaskClient], client: FlaskClient, pool: Database
) -> None:
    add_list(pool, people())
    campaign_id = draft(client_of(Body=TEXT))
    fit = played(client, campaign_id)["provider"]
    assert fit["problem"] == "gateway is not configured; there are simulated"


@pytest.mark.parametrize(
    ("keys", "template", "field", "said"),
    [
        (
            {"Body": TEXT, "MaxLength": 10},
            "x" * 11 + "{name}",
            "template",
            "has at least 11 characters; gateway takes at most 10",
        ),
        ({}, "hi", "provider", "gateway takes no text"),
    ],
)
def test_what_its_provider_can_not_send_is_not_made(
    client_of: Callable[..., FlaskClient],
    pool: Database,
    keys: dict[str, Any],
    template: str,
    field: str,
    said: str,
) -> None:
    add_list(pool, people())
    body = {"name": "spring", "template": template, "recipient_list_id": 1}
    answer = client_of(**keys).post("/v1/campaigns", json=body)
    assert answer.status_code == 422
    assert list(problem(answer)[2]) == [field]
    assert said in problem(answer)[2][field]
