from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_common.dsn import parse_dsn
from campaign_common.schema import migrate
from campaign_common.settings import MysqlSettings
from local_stack.servers.kafka import KafkaServer
from tests.integration.sender.scene import INSERT_CAMPAIGN, SHARDS, FaultyDatabase, Scene
from tests.integration.sender.world import World
from tests.unit.sender.messages import CAMPAIGN, EPOCH


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
    faulty = FaultyDatabase(MysqlSettings(dsn=parse_dsn(database)))
    faulty.faults = []
    migrate(faulty, SHARDS)
    with faulty.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
    yield Scene(faulty)
    faulty.close()
