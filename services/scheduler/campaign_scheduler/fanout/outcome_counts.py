"""Counts of recorded and claimed messages, over all database servers."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from campaign_common.database import Database, Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.store.campaigns.fanout import ShardOutcomes, outcomes_by_shard
from campaign_common.store.shards.claims import claimed_by_campaign
from campaign_scheduler.availability import ServerAvailability

MAX_CAMPAIGNS_KEPT = 10_000
"""Campaigns whose counts are kept; those of finished campaigns would pile up otherwise."""

CountsByShard = dict[int, ShardOutcomes]


class OutcomeCounts:
    """Counters and claims as last read; for a server that is down the last counts are used."""

    def __init__(self, databases: Databases, availability: ServerAvailability) -> None:
        self._databases = databases
        self._availability = availability
        self._last: dict[Database, dict[CampaignId, CountsByShard]] = {
            one: {} for one in databases.all
        }

    def by_shard(self, campaign_ids: Sequence[CampaignId]) -> dict[CampaignId, CountsByShard]:
        """Count the messages of each campaign that have an outcome or wait for a retry.

        Raises:
            RetryLater: the main server is down.
        """
        for database in self._databases.all:
            query = partial(outcomes_by_shard, campaign_ids=campaign_ids)
            counted = self._availability.query(database, query)
            if counted is not None:
                self._remember(database, counted)
        return {
            campaign_id: {
                shard: n
                for database, last in self._last.items()
                for shard, n in last.get(campaign_id, {}).items()
                if self._databases.of_shard(shard) is database
            }
            for campaign_id in campaign_ids
        }

    def claimed(self) -> Counter[CampaignId]:
        """Count the messages that senders have claimed, by campaign.

        Claims on a server that is down are not counted.

        Raises:
            RetryLater: the main server is down.
        """
        counts: Counter[CampaignId] = Counter()
        for database in self._databases.all:
            counts.update(self._availability.query(database, claimed_by_campaign) or {})
        return counts

    def _remember(self, database: Database, counted: dict[CampaignId, CountsByShard]) -> None:
        known = self._last[database]
        self._last[database] = counted if len(known) > MAX_CAMPAIGNS_KEPT else {**known, **counted}
