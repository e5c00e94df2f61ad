"""Erased people as tests of imports make them and look for them."""

from dataclasses import replace
from typing import Any

from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.settings import ErasureSettings, SecretSettings, Settings
from tests.integration.api.stored import rows

KEY, NEXT_KEY = "0" * 64, "1" * 64

PHONE = "4917612345678"


def keyed(settings: Settings, key: str | None = KEY, *old_keys: str) -> Settings:
    """The settings with keys of erased people."""
    keys = tuple(SecretSettings(value=each) for each in (key, *old_keys) if each is not None)
    return replace(settings, erasure=ErasureSettings(keys=keys))


def client_of(settings: Settings, pool: Database) -> FlaskClient:
    """A client of a process of its own."""
    return create_app(settings, Databases((pool,))).test_client()


def erase(client: FlaskClient, phone: str = PHONE) -> dict[str, Any]:
    answer = client.delete(f"/v1/recipients/{phone}")
    assert answer.status_code == 202, answer.text
    return dict(answer.get_json())


def stored_phones(pool: Database) -> set[str]:
    """The numbers of all recipients of all lists."""
    return {phone for (phone,) in rows(pool, "SELECT phone FROM recipients")}
