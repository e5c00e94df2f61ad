"""One running API with a campaign large enough for exports, and keys for both sides."""

from collections.abc import Iterator

import pytest

from campaign_common.database import Database
from campaign_common.domain.api_key import Scope
from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from tests.e2e.callbacks.gateways import CONFIGURATION
from tests.e2e.flood.scene import FILE, Keys, Scene, Stored
from tests.e2e.seeded import Seeds
from tests.support.keys import bearer, make_key
from tests.support.servers.databases import DatabaseServers, fresh_schema
from tests.support.servers.schemas import make_current
from tests.support.services.api_service import running_api, write_configuration

PEOPLE = 20_000
"""On the list of the campaign that is exported."""

REJECTS = 6_000
"""12 MB of them."""


@pytest.fixture(scope="package")
def scene(
    tmp_path_factory: pytest.TempPathFactory, database_servers: DatabaseServers
) -> Iterator[Scene]:
    """One flavour: how the API stands a flood does not depend on it."""
    with fresh_schema(database_servers.get("mariadb").dsn) as dsn:
        database = Database(MysqlSettings(dsn=parse_dsn(dsn)))
        make_current(database, 2)
        keys = Keys(
            *(make_key(database, scope) for scope in (Scope.ADMIN, Scope.READ, Scope.WRITE))
        )
        folder = tmp_path_factory.mktemp("flood")
        keys_of_callbacks = {**CONFIGURATION, "Provider": "simulated"}
        with running_api(write_configuration(folder, dsn, **keys_of_callbacks)) as api:
            seeds = Seeds(api.url, bearer(keys.own), database)
            (folder / "csv" / "recipients.csv").write_bytes(FILE)
            stored = Stored(*seeds.large(PEOPLE), *seeds.small(), seeds.rejects(REJECTS))
            yield Scene(api, keys, stored)
        database.close()
