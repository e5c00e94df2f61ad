"""Fixtures of the scheduler's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack.servers.kafka import KafkaServer
from tests.integration.scheduler.world import SHARDS, World


@pytest.fixture
def world(
    tmp_path: Path, migrated_schema: Callable[[int], str], kafka_server: KafkaServer
) -> Iterator[World]:
    """A schema with eight shards and a topic with as many partitions."""
    made = World(tmp_path, migrated_schema(SHARDS), kafka_server.brokers)
    yield made
    made.close()


@pytest.fixture
def one_partition(
    tmp_path: Path, migrated_schema: Callable[[int], str], kafka_server: KafkaServer
) -> Iterator[World]:
    """A schema with eight shards that one partition carries."""
    made = World(tmp_path, migrated_schema(SHARDS), kafka_server.brokers, partitions=1)
    yield made
    made.close()
