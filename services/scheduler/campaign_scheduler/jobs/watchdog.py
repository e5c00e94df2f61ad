"""Watchdog: publishes a campaign again if records of it were lost (protocol rule 15).

A stalled campaign is no proof of a loss, since senders may be down or slow. A record is lost if
it has no outcome although the senders have recorded everything up to the ends of the logs, read
after the campaign had been stalled for long enough. A campaign whose providers all rest stands
still for a reason, and is not checked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

import structlog
from confluent_kafka.admin import AdminClient

from campaign_common.database import Cursor, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import ProviderLimits
from campaign_common.domain.limits.rest import rest_of_all
from campaign_common.domain.partition_map import PartitionMap, unrecorded_shards
from campaign_common.domain.routing.routes import Routes
from campaign_common.kafka import topics
from campaign_common.store.campaigns.stalled_campaigns import (
    Outstanding,
    publish_again,
    read_outstanding,
)
from campaign_common.store.limits.rests import read_rests
from campaign_common.store.shards.partition_map import read_map, read_owners
from campaign_common.tracing import trace_id_of
from campaign_scheduler.metrics import RECORDS_LOST, REPUBLICATIONS, WATCHDOG_CHECKS

CHECK_INTERVAL = 5.0
"""Seconds between two checks, at most."""

REASON = "stood still although everything published had been passed"

_log = structlog.get_logger()


@dataclass
class StalledCampaign:
    """A campaign that has not moved since a time, and the ends of the logs read after that."""

    campaign: Outstanding
    since: float
    ends: Mapping[int, int] | None = None
    map_version: int = 0


@dataclass(frozen=True)
class KnownProviders:
    """Routes and limits of the providers, by the configuration."""

    routes: Routes = field(default_factory=Routes)
    limits: Mapping[str, ProviderLimits] = field(default_factory=dict)
    """Limits by provider, where no live ones replace them."""


class Watchdog:
    """Watchdog of the campaigns that `owner` leases. Its memory of them may be lost at any time.

    `after`: seconds that a campaign must be stalled before the ends of the logs are read.
    """

    def __init__(
        self,
        databases: Databases,
        admin: AdminClient,
        *,
        topic: str,
        owner: str,
        after: float,
        providers: KnownProviders,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._databases = databases
        self._admin = admin
        self._topic = topic
        self._owner = owner
        self._after = after
        self._providers = providers
        self._clock = clock
        self._stalled: dict[CampaignId, StalledCampaign] = {}

    def check(self) -> None:
        """Check every campaign once, and publish those again that have lost records.

        Raises:
            RetryLater: a database or Kafka is down; the next check continues.
        """
        with self._databases.reading() as cursors:
            outstanding = self._without_rest(cursors.main, read_outstanding(cursors, self._owner))
            partition_map = read_map(cursors.main, self._topic)
        WATCHDOG_CHECKS.inc()
        self._update_stalled(outstanding)
        suspicious = [
            one for one in self._stalled.values() if self._clock() - one.since >= self._after
        ]
        if not suspicious or partition_map is None or not partition_map.is_active:
            return
        self._read_ends(suspicious, partition_map)
        for one in suspicious:
            if self._has_lost_records(one, partition_map):
                self._publish_again(one.campaign)

    def _without_rest(self, cursor: Cursor, campaigns: Sequence[Outstanding]) -> list[Outstanding]:
        """Return the campaigns of which a provider does not rest."""
        routes = self._providers.routes
        names = {one.provider: routes.providers(one.provider) for one in campaigns}
        used = frozenset[str]().union(*names.values())
        rests = read_rests(cursor, used, self._providers.limits)
        return [one for one in campaigns if rest_of_all(names[one.provider], rests) is None]

    def _update_stalled(self, outstanding: Iterable[Outstanding]) -> None:
        now = self._clock()
        before, self._stalled = self._stalled, {}
        for campaign in outstanding:
            known = before.get(campaign.campaign_id)
            self._stalled[campaign.campaign_id] = (
                known
                if known is not None and known.campaign == campaign
                else StalledCampaign(campaign, now)
            )

    def _read_ends(
        self, suspicious: Iterable[StalledCampaign], partition_map: PartitionMap
    ) -> None:
        version = partition_map.version
        new = [one for one in suspicious if one.ends is None or one.map_version != version]
        if new:
            ends = topics.log_ends(self._admin, self._topic, range(partition_map.partitions))
            for one in new:
                one.ends, one.map_version = ends, version

    def _has_lost_records(self, stalled: StalledCampaign, partition_map: PartitionMap) -> bool:
        if stalled.ends is None:
            return False
        starts = topics.log_starts(self._admin, self._topic, stalled.ends)
        with self._databases.reading() as cursors:
            positions = {owner.position.shard: owner.position for owner in read_owners(cursors)}
        return not unrecorded_shards(partition_map, positions, starts, stalled.ends)

    def _publish_again(self, campaign: Outstanding) -> None:
        published = self._databases.main.run(
            lambda cursor: publish_again(cursor, campaign, self._owner, REASON)
        )
        self._stalled.pop(campaign.campaign_id, None)
        if published:
            lost = campaign.published - campaign.recorded
            REPUBLICATIONS.inc()
            RECORDS_LOST.inc(lost)
            _log.warning(
                "campaign republished",
                campaign=campaign.campaign_id,
                trace_id=trace_id_of(campaign.traceparent),
                reason=REASON,
                lost=lost,
            )
