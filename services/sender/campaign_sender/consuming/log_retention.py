"""Log retention: offsets below the start of a partition's log count as passed.

A partition whose records were all deleted delivers nothing that would advance the recorded offsets
of its shards, and a wait for those offsets would never end (protocol rules 2 and 15).
"""

from collections import defaultdict

import structlog
from confluent_kafka.admin import AdminClient

from campaign_common.errors import RetryLater
from campaign_common.kafka import topics
from campaign_sender.ownership.shard_groups import ShardGroups

INTERVAL = 5.0
"""Seconds between two requests for the starts of the logs."""

log = structlog.get_logger()


class LogRetention:
    """Advance of the shards of idle partitions to the start of their log."""

    def __init__(self, admin: AdminClient, topic: str, groups: ShardGroups) -> None:
        self._admin = admin
        self._topic = topic
        self._groups = groups
        self._positions: dict[int, int] = {}

    def skip_deleted(self) -> None:
        """Check the partitions whose position has not changed since the last check."""
        positions: dict[int, int] = defaultdict(int)
        for owned in self._groups.shards():
            partition = owned.place.partition
            positions[partition] = max(positions[partition], owned.offsets.position)
        idle = [p for p, position in positions.items() if self._positions.get(p) == position]
        self._positions = dict(positions)
        if not idle:
            return
        try:
            starts = topics.log_starts(self._admin, self._topic, idle)
        except RetryLater as error:
            log.debug("log start offsets unknown", error=str(error))
            return
        self._groups.advance_to(starts)
