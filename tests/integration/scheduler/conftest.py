"""Fixtures of the scheduler's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.servers.kafka import KafkaServer
from tests.integration.scheduler.world import World


@pytest.fixture
def world(tmp_path: Path, database: str, kafka_server: KafkaServer) -> Iterator[World]:
    """A schema with eight shards and a topic with as many partitions."""
    made = World(tmp_path, database, kafka_server.brokers)
    yield made
    made.close()


@pytest.fixture
def one_partition(tmp_path: Path, database: str, kafka_server: KafkaServer) -> Iterator[World]:
    """A schema with eight shards that one partition carries."""
    made = World(tmp_path, database, kafka_server.brokers, partitions=1)
    yield made
    made.close()
