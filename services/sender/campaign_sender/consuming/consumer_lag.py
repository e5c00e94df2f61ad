"""Consumer lag: records not yet recorded, per partition. For metrics only."""

from collections.abc import Mapping

import structlog
from confluent_kafka.admin import AdminClient

from campaign_common.errors import CampaignError
from campaign_common.kafka import topics
from campaign_sender.ownership.shard_groups import ShardGroups

INTERVAL = 5.0
"""Seconds between two requests for the ends of the logs."""

log = structlog.get_logger()


class ConsumerLag:
    """Difference between the end of each owned partition and its recorded offset.

    The ends come from the admin client: a consumer learns of no new end while its partitions are
    paused, which is just when the lag grows.
    """

    def __init__(self, admin: AdminClient, topic: str, groups: ShardGroups) -> None:
        self._admin = admin
        self._topic = topic
        self._groups = groups
        self._ends: Mapping[int, int] = {}

    def by_partition(self) -> dict[int, int]:
        """Return the number of records beyond the recorded offset, per owned partition."""
        ends = self._ends
        return {
            partition: max(0, ends[partition] - offset)
            for partition, offset in self._recorded().items()
            if partition in ends
        }

    def refresh(self) -> None:
        """Read the ends of the logs; on failure the ends of the last read stay."""
        partitions = sorted(self._recorded())
        if not partitions:
            return
        try:
            self._ends = topics.log_ends(self._admin, self._topic, partitions)
        except CampaignError as error:
            log.debug("log end offsets unknown", error=str(error))

    def _recorded(self) -> dict[int, int]:
        recorded: dict[int, int] = {}
        for owned in self._groups.shards():
            partition = owned.place.partition
            known = recorded.get(partition, owned.recorded_offset)
            recorded[partition] = min(known, owned.recorded_offset)
        return recorded
