from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from campaign_common.dsn import parse_dsn
from campaign_common.settings import MysqlSettings
from campaign_common.store.core.budgets import insert_budget
from local_stack.servers.kafka import KafkaServer
from tests.integration.sender import world as worlds
from tests.integration.sender.budget_senders import HUNDRED, Senders
from tests.integration.sender.scene import INSERT_CAMPAIGN, SHARDS, FaultyDatabase, Scene
from tests.integration.sender.world import World
from tests.unit.sender.messages import CAMPAIGN, EPOCH

MakeSchema = Callable[[int], str]


@pytest.fixture
def database(migrated_schema: MakeSchema) -> str:
    """The DSN of the schema that a scene works on."""
    return migrated_schema(SHARDS)


@pytest.fixture
def world(
    tmp_path: Path, migrated_schema: MakeSchema, kafka_server: KafkaServer
) -> Iterator[World]:
    world = World(tmp_path, migrated_schema(worlds.SHARDS), kafka_server.brokers)
    yield world
    world.close()


@pytest.fixture
def classic_world(
    tmp_path: Path, migrated_schema: MakeSchema, kafka_39_server: KafkaServer
) -> Iterator[World]:
    world = World(tmp_path, migrated_schema(worlds.SHARDS), kafka_39_server.brokers)
    yield world
    world.close()


@pytest.fixture
def scene(database: str) -> Iterator[Scene]:
    faulty = FaultyDatabase(MysqlSettings(dsn=parse_dsn(database)))
    faulty.faults = []
    with faulty.transaction() as cursor:
        cursor.execute(INSERT_CAMPAIGN, (CAMPAIGN, EPOCH))
    yield Scene(faulty)
    faulty.close()


@pytest.fixture
def senders(scene: Scene) -> Senders:
    scene.change(lambda c: insert_budget(c, CAMPAIGN, HUNDRED))
    return Senders(scene)
