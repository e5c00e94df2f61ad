"""The watchdog: a campaign whose records were lost is published again (protocol rule 15).

Standing still is no proof of a loss: senders may be down, or slow. Lost is what is published
and not recorded although every sender has recorded everything up to the ends of the logs, as
they were seen after the campaign had stood still for long enough.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic

import structlog
from confluent_kafka.admin import AdminClient

from campaign_common import topics
from campaign_common.database import Databases
from campaign_common.partition_map import PartitionMap, unrecorded_shards
from campaign_common.store.partition_map import read_map, read_owners
from campaign_common.store.standstill import Outstanding, publish_again, read_outstanding
from campaign_common.tracing import trace_id_of

REASON = "stood still although everything published had been passed"

_log = structlog.get_logger()


@dataclass
class Standstill:
    """How long a campaign has not moved, and the ends of the logs since then."""

    campaign: Outstanding
    since: float
    ends: Mapping[int, int] | None = None
    map_version: int = 0


class Watchdog:
    """Looks after the campaigns that `owner` leases; what it remembers may be lost at any time."""

    def __init__(
        self,
        databases: Databases,
        admin: AdminClient,
        *,
        topic: str,
        owner: str,
        after: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._databases = databases
        self._admin = admin
        self._topic = topic
        self._owner = owner
        self._after = after
        self._clock = clock
        self._standing: dict[int, Standstill] = {}
        self.looks = self.rounds = self.lost = 0
        """For the metrics: looks, campaigns published again, records that were lost."""

    def look(self) -> None:
        """Look once.

        Raises:
            RetryLater: a database or Kafka is away; what is remembered stays.
        """
        with self._databases.reading() as cursors:
            outstanding = read_outstanding(cursors, self._owner)
            partition_map = read_map(cursors.main, self._topic)
        self.looks += 1
        self._follow(outstanding)
        suspicious = [
            one for one in self._standing.values() if self._clock() - one.since >= self._after
        ]
        if not suspicious or partition_map is None or not partition_map.is_active:
            return
        self._note_ends(suspicious, partition_map)
        for one in suspicious:
            if self._is_passed(one, partition_map):
                self._have_published_again(one.campaign)

    def _follow(self, outstanding: Iterable[Outstanding]) -> None:
        now = self._clock()
        before, self._standing = self._standing, {}
        for campaign in outstanding:
            known = before.get(campaign.campaign_id)
            still = known is not None and known.campaign == campaign
            self._standing[campaign.campaign_id] = (
                known if known is not None and still else Standstill(campaign, now)
            )

    def _note_ends(self, suspicious: Iterable[Standstill], partition_map: PartitionMap) -> None:
        version = partition_map.version
        new = [one for one in suspicious if one.ends is None or one.map_version != version]
        if new:
            ends = topics.log_ends(self._admin, self._topic, range(partition_map.partitions))
            for one in new:
                one.ends, one.map_version = ends, version

    def _is_passed(self, standstill: Standstill, partition_map: PartitionMap) -> bool:
        if standstill.ends is None:
            return False
        starts = topics.log_starts(self._admin, self._topic, standstill.ends)
        with self._databases.reading() as cursors:
            positions = {owner.position.shard: owner.position for owner in read_owners(cursors)}
        return not unrecorded_shards(partition_map, positions, starts, standstill.ends)

    def _have_published_again(self, campaign: Outstanding) -> None:
        published = self._databases.main.run(
            lambda cursor: publish_again(cursor, campaign, self._owner, REASON)
        )
        self._standing.pop(campaign.campaign_id, None)
        if published:
            self.rounds += 1
            self.lost += campaign.published - campaign.recorded
            _log.warning(
                "campaign published again",
                campaign=campaign.campaign_id,
                trace_id=trace_id_of(campaign.traceparent),
                reason=REASON,
                lost=campaign.published - campaign.recorded,
            )
