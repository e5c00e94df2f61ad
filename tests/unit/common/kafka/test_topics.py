import gc
import weakref
from concurrent.futures import Future

import pytest
from confluent_kafka.admin import AdminClient

from campaign_common.errors import KafkaUnavailable
from campaign_common.kafka import topics


class Silent(AdminClient):
    """A client whose requests are not answered while anybody waits."""

    def create_topics(self, *_: object, **__: object) -> dict[str, Future[None]]:
        return {"t": Future()}


def test_a_client_that_may_still_be_answered_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own thread, woken by the answer, would free it, at which librdkafka aborts."""
    monkeypatch.setattr(topics, "_UNANSWERED", set())
    monkeypatch.setattr(topics, "REQUEST_TIMEOUT", 0.005)
    admin = Silent({"bootstrap.servers": "127.0.0.1:9", "log_level": 0})
    kept = weakref.ref(admin)
    with admin, pytest.raises(KafkaUnavailable, match="no answer"):
        topics.create(admin, "t", partitions=1, replication_factor=1)
    del admin
    gc.collect()
    assert kept() is not None
