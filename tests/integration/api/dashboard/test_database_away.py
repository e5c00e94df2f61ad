"""Pages while the database is away: they say so, and what was sent twice is carried out once."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import pytest

from campaign_api.app import create_app
from campaign_common.database import Database, Databases
from campaign_common.domain.api_key import Scope
from campaign_common.settings import Settings
from tests.chaos.relay import Relay, relay_to
from tests.integration.api.dashboard.test_screens import make_campaign
from tests.integration.api.dashboard.visitor import Visitor
from tests.integration.api.drafted import events
from tests.support.keys import make_key
from tests.support.servers.databases import DatabaseServers, SchemaServer

PATHS = (
    "/",
    "/campaigns",
    "/campaigns/{id}",
    "/campaigns/new",
    "/lists",
    "/suppressions",
    "/audit",
)


class Behind(NamedTuple):
    """A visitor of an API that reaches its database through a relay."""

    visitor: Visitor
    relay: Relay


@pytest.fixture(scope="module")
def database_server(database_servers: DatabaseServers) -> SchemaServer:
    """One flavour: what a page shows does not depend on it."""
    return database_servers.get("mariadb")


@pytest.fixture
def behind(settings: Settings, pool: Database) -> Iterator[Behind]:
    dsn = settings.mysql.dsn
    with relay_to(dsn.port) as relay:
        mysql = replace(settings.mysql, dsn=replace(dsn, port=relay.port))
        with closing(Database(mysql)) as database:
            app = create_app(replace(settings, mysql=mysql), Databases((database,)))
            visitor = Visitor(app.test_client())
            assert visitor.sign_in(make_key(pool, Scope.ADMIN)).status_code == 303
            yield Behind(visitor, relay)


def test_pages_say_that_the_database_is_away(behind: Behind, pool: Database) -> None:
    campaign_id = make_campaign(behind.visitor.client, pool)
    page = behind.visitor.open(f"/campaigns/{campaign_id}")
    before = events(pool, campaign_id)
    behind.relay.end()
    for path in PATHS:
        away = behind.visitor.open(path.format(id=campaign_id))
        assert away.status_code == 503, path
        assert "This does not work at the moment" in away.text
        assert "Traceback" not in away.text
    refused = behind.visitor.press(page, "/start")
    assert refused.status_code == 503
    assert events(pool, campaign_id) == before
