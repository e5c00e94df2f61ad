import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Request
from flask.testing import FlaskClient

from campaign_api.app import create_app
from campaign_api.web.auth import authentication
from campaign_api.web.auth.local_client import ClientLocation, locate_client
from campaign_common.database import Database, Databases
from campaign_common.dsn import parse_dsn
from campaign_common.settings import (
    ImportSettings,
    MysqlSettings,
    SendClientSettings,
    Settings,
    SyncClientSettings,
)
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import make_current

SHARDS = 2
WRITTEN = (
    "recipient_lists",
    "recipients",
    "recipient_rejects",
    "campaigns",
    "campaign_counters",
    "campaign_budgets",
    "campaign_costs",
    "campaign_events",
    "possibly_sent",
    "possible_duplicates",
    "campaign_samples",
    "kept_samples",
    "shard_commands",
    "messages_0",
    "messages_1",
    "message_retries_0",
    "message_retries_1",
    "receipts_0",
    "receipts_1",
    "receipt_counters",
    "open_receipts",
    "late_results",
    "purged_campaigns",
    "api_keys",
    "idempotency_keys",
    "inbound_messages",
    "trial_messages",
    "answered_keywords",
    "provider_account_breakers",
    "provider_breakers",
    "provider_checks",
    "provider_days",
    "provider_limits",
    "provider_events",
    "provider_slots",
    "route_weights",
    "erased_people",
    "erasures",
    "suppressions",
    "suppression_changes",
    "suppression_hashes",
    "suppression_imports",
    "reconsented_lists",
    "sender_heartbeats",
    "web_sessions",
    "webhook_changes",
    "failed_sign_ins",
    "outgoing_events",
    "providers_left_alone",
)
"""The tables that these tests write to."""


@pytest.fixture(scope="module")
def mysql_settings(database_server: SchemaServer) -> Iterator[MysqlSettings]:
    """A schema for a whole module; `pool` empties it for each test."""
    with fresh_schema(database_server.dsn) as dsn:
        yield MysqlSettings(dsn=parse_dsn(dsn), active=16)


@pytest.fixture(scope="module")
def module_pool(mysql_settings: MysqlSettings) -> Iterator[Database]:
    database = Database(mysql_settings)
    make_current(database, SHARDS)
    yield database
    database.close()


@pytest.fixture
def pool(module_pool: Database) -> Database:
    """The pool of the service under test, on an empty, migrated schema."""
    with module_pool.transaction() as cursor:
        for table in WRITTEN:
            cursor.execute(f"DELETE FROM {table}")
    return module_pool


@pytest.fixture(autouse=True)
def own_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the tests' clients, which have no connection, as programs of the API's own user."""

    def judge(request: Request) -> ClientLocation:
        request.environ.setdefault("gunicorn.socket", None)
        return locate_client(request, lambda _: os.geteuid())

    monkeypatch.setattr(authentication, "locate_client", judge)


@pytest.fixture
def csv_root(tmp_path: Path) -> Path:
    root = tmp_path / "csv"
    root.mkdir()
    return root


@pytest.fixture
def settings(mysql_settings: MysqlSettings, csv_root: Path) -> Settings:
    return Settings(
        mysql=mysql_settings,
        sync_client=SyncClientSettings(brokers=("unused:9092",)),
        send_client=SendClientSettings(brokers=("unused:9092",)),
        csv_root=csv_root,
        msg_table_sharding_size=SHARDS,
        timeout=10.0,
        import_=ImportSettings(batch_rows=100),
    )


@pytest.fixture
def client(settings: Settings, pool: Database) -> FlaskClient:
    return create_app(settings, Databases((pool,))).test_client()
