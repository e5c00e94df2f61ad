"""The partition map that records are published under."""

from campaign_common.database import Cursor
from campaign_common.domain.partition_map import PartitionMap
from campaign_common.errors import PublishingHeld, TopicMissing
from campaign_common.store.shards.partition_map import read_map


def active_map(cursor: Cursor, topic: str) -> PartitionMap:
    """Read the partition map that may be published under now (protocol rule 11).

    Raises:
        TopicMissing: the topic has no map yet, because no scheduler or sender has seen it.
        PublishingHeld: the map is being changed.
    """
    partition_map = read_map(cursor, topic)
    if partition_map is None:
        raise TopicMissing(f"topic {topic} has no partition map; campaign-topics create makes it")
    if not partition_map.is_active:
        raise PublishingHeld(f"the partition map of topic {topic} is draining")
    return partition_map
