"""Campaigns with links to unsubscribe, and what their page has stored."""

from typing import Any

from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.settings import (
    CallbacksSettings,
    ReferenceSecretSettings,
    Settings,
)
from campaign_providers.unsubscribe.current_links import UnsubscribeLinks
from tests.integration.api.stored import rows

BASE = "https://c.example"
CALLBACKS = CallbacksSettings(
    base_url=BASE, secrets=(ReferenceSecretSettings(value="a secret of references"),)
)
LINKS = UnsubscribeLinks(CALLBACKS)
ANN, BOB = "4917612345678", "4917612345679"
TEMPLATE = "hi {name}, stop: {unsubscribe_url}"
NEW = {"name": "spring", "recipient_list_id": 1, "template": TEMPLATE}


def client_of(settings: Settings, pool: Database) -> FlaskClient:
    return create_app(settings, Databases((pool,))).test_client()


def path_of(campaign_id: int, seq: int = 1) -> str:
    return LINKS.of_campaign("", campaign_id)(seq)


def stored(pool: Database) -> list[tuple[Any, ...]]:
    return rows(pool, "SELECT phone, scope, reason, source, until FROM suppressions ORDER BY phone")
