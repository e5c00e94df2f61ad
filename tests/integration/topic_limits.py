"""Topics that take only small batches."""

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from campaign_common.kafka import topics
from tests.support.waiting import wait_until

USUAL_LIMIT = 262_144
"""Bytes of a batch that small managed offers take."""


def set_limit(admin: AdminClient, topic: str, limit: int) -> None:
    """Set `max.message.bytes` of a topic, and wait until its broker says so."""
    entry = ConfigEntry(
        "max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(30)
    wait_until(lambda: topics.largest_batch(admin, topic) == limit)
