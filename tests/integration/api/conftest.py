from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_common.database import Database
from campaign_common.dsn import parse_dsn
from campaign_common.schema import migrate
from campaign_common.settings import (
    ImportSettings,
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)

SHARDS = 2


@pytest.fixture
def csv_root(tmp_path: Path) -> Path:
    root = tmp_path / "csv"
    root.mkdir()
    return root


@pytest.fixture
def settings(database: str, csv_root: Path) -> Settings:
    return Settings(
        mysql=MysqlSettings(dsn=parse_dsn(database)),
        sync_client=SyncClientSettings(brokers=("unused:9092",)),
        send_client=SendClientSettings(brokers=("unused:9092",)),
        csv_root=csv_root,
        msg_table_sharding_size=SHARDS,
        timeout=10.0,
        import_=ImportSettings(batch_rows=100),
    )


@pytest.fixture
def pool(settings: Settings) -> Iterator[Database]:
    """The pool of the service under test, on a migrated schema."""
    database = Database(replace(settings.mysql, active=16))
    migrate(database, SHARDS)
    yield database
    database.close()


@pytest.fixture
def client(settings: Settings, pool: Database) -> FlaskClient:
    return create_app(settings, pool).test_client()
