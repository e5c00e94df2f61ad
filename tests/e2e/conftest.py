from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.servers.kafka import KafkaServer
from tests.support.services.system import System


@pytest.fixture
def system(tmp_path: Path, database: str, kafka_server: KafkaServer) -> Iterator[System]:
    """Schema and topic made; no service runs yet."""
    system = System(tmp_path, database, kafka_server.brokers)
    system.prepare()
    yield system
    system.close()
