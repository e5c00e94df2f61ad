from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.core.budgets import insert_budget
from local_stack.servers.kafka import KafkaServer
from tests.integration.sender.budget_senders import HUNDRED, Senders
from tests.integration.sender.scene import INSERT_CAMPAIGN, SHARDS, FaultyDatabase, Scene
from tests.integration.sender.world import World
from tests.support.servers.databases import SchemaServer, fresh_schema
from tests.support.servers.schemas import make_current
from tests.unit.sender.messages import CAMPAIGN, EPOCH

WRITTEN = (
    "campaigns",
    "campaign_counters",
    "messages_0",
    "messages_1",
    "message_retries_0",
    "message_retries_1",
    "receipts_0",
    "receipts_1",
    "receipt_counters",
    "open_receipts",
    "possibly_sent",
    "late_results",
    "possible_duplicates",
    "provider_ids",
    "shard_commands",
    "partition_map",
    "provider_breakers",
    "route_weights",
    "provider_events",
)
"""The tables that tests with `emptied_scene` write to, but for the claims."""


@pytest.fixture
def world(tmp_path: Path, database: str, kafka_server: KafkaServer) -> Iterator[World]:
    world = World(tmp_path, database, kafka_server.brokers)
    yield world
    world.close()


@pytest.fixture
def classic_world(tmp_path: Path, database: str, kafka_39_server: KafkaServer) -> Iterator[World]:
    world = World(tmp_path, database, kafka_39_server.brokers)
    yield world
    world.close()


@pytest.fixture
def scene(database: str) -> Iterator[Scene]:
    faulty = _migrated(database)
    with faulty.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
    yield Scene(faulty)
    faulty.close()


@pytest.fixture
def senders(scene: Scene) -> Senders:
    scene.change(lambda c: insert_budget(c, CAMPAIGN, HUNDRED))
    return Senders(scene)


@pytest.fixture(scope="module")
def module_database(database_server: SchemaServer) -> Iterator[FaultyDatabase]:
    """A schema for a whole module; `emptied_scene` empties it for each test."""
    with fresh_schema(database_server.dsn) as dsn:
        faulty = _migrated(dsn)
        yield faulty
        faulty.close()


@pytest.fixture
def emptied_scene(module_database: FaultyDatabase) -> Scene:
    """A scene on the module's schema, which makes no table and costs a tenth of another one."""
    with module_database.transaction() as cursor:
        for table in WRITTEN:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("UPDATE shard_claims SET claimed = '', topic_id = '', recorded_offset = -1")
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
    return Scene(module_database)


def _migrated(dsn: str) -> FaultyDatabase:
    faulty = FaultyDatabase(MysqlSettings(dsn=parse_dsn(dsn)))
    faulty.faults = []
    make_current(faulty, SHARDS)
    return faulty
