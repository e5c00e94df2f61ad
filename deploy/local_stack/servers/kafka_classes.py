"""The recorded classes of the broker.

With them a start takes 1.8 s of processor time in place of 3.2 s. Recording takes as much as two
starts, so that it pays where brokers are started again and again.
"""

import tempfile
from pathlib import Path

from local_stack.distributions.cache import Cache
from local_stack.servers import java_classes
from local_stack.servers.java import find_java
from local_stack.servers.kafka import KAFKA, KafkaServer, profile


def record_classes(cache: Cache, version: str = KAFKA) -> None:
    """Record what a broker loads from its start to its stop, unless that has been done before.

    Raises:
        StackError: the broker could not be started.
    """

    def record(part: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            server = KafkaServer(Path(folder), cache, version=version, record_classes=part)
            try:
                server.start()
            finally:
                server.stop()

    cache.provide(java_classes.cache_name(profile(version), find_java()), record)
