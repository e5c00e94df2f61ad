from collections.abc import Iterator

import pytest

from campaign_common.database import Database, Databases
from campaign_common.dsn import parse_dsn
from campaign_common.schema.migrate import migrate_all
from campaign_common.settings import MysqlSettings
from tests.integration.common.receipts.scene import ELSEWHERE, SHARDS, ReceiptScene
from tests.support.servers.databases import SchemaServer, fresh_schema


@pytest.fixture(scope="module")
def receipt_databases(database_server: SchemaServer) -> Iterator[Databases]:
    """Shards on two servers, for a whole module; `receipts` empties their tables."""
    with fresh_schema(database_server.dsn) as first, fresh_schema(database_server.dsn) as second:
        pools = tuple(Database(MysqlSettings(dsn=parse_dsn(dsn))) for dsn in (first, second))
        made = Databases(pools, dict.fromkeys(ELSEWHERE, 1))
        list(migrate_all(made, SHARDS))
        yield made
        made.close()


@pytest.fixture
def receipts(receipt_databases: Databases) -> ReceiptScene:
    scene = ReceiptScene(receipt_databases)
    scene.begin()
    return scene
