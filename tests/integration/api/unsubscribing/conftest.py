from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from campaign_common.database import Database
from campaign_common.settings import (
    Settings,
)
from tests.integration.api.drafted import PATH, body
from tests.integration.api.stored import add_list
from tests.integration.api.unsubscribing.links import (
    ANN,
    BOB,
    CALLBACKS,
    NEW,
    client_of,
)


@pytest.fixture
def linked(settings: Settings) -> Settings:
    return replace(settings, callbacks=CALLBACKS)


@pytest.fixture
def client(linked: Settings, pool: Database) -> FlaskClient:
    return client_of(linked, pool)


@pytest.fixture
def campaign(client: FlaskClient, pool: Database) -> int:
    """A campaign about a topic, for Ann and Bob."""
    add_list(pool, [(ANN, "Ann", {}), (BOB, "Bob", {})])
    return int(body(client.post(PATH, json={**NEW, "topic": "offers"}))["id"])
