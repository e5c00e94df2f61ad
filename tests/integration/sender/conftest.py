from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.kafka import KafkaServer
from tests.integration.sender.world import World


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
