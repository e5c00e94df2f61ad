from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack.servers.kafka import KafkaServer
from tests.support.services.system import SHARDS, System


@pytest.fixture
def system(
    tmp_path: Path, migrated_schema: Callable[[int], str], kafka_server: KafkaServer
) -> Iterator[System]:
    """Schema and topic made; no service runs yet."""
    system = System(tmp_path, migrated_schema(SHARDS), kafka_server.brokers)
    system.prepare()
    yield system
    system.close()
