"""How far senders are with campaigns, over all database servers."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from campaign_common.database import Database, Databases
from campaign_common.store.claims import claimed_by_campaign
from campaign_common.store.fanout import outcomes_by_shard
from campaign_scheduler.availability import ServerAvailability

MOST_KNOWN = 10_000
"""Campaigns of which numbers are kept; those that are over would pile up otherwise."""

ByShard = dict[int, int]


class Outcomes:
    """Reads counters and claims; what a server counted last stands for it while it is away."""

    def __init__(self, databases: Databases, availability: ServerAvailability) -> None:
        self._databases = databases
        self._availability = availability
        self._last: dict[Database, dict[int, ByShard]] = {one: {} for one in databases.all}

    def by_shard(self, campaign_ids: Sequence[int]) -> dict[int, ByShard]:
        """Count the messages of each of these campaigns that have an outcome, or wait for a retry.

        Raises:
            RetryLater: the main server is away.
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

    def claimed(self) -> Counter[int]:
        """Count, by campaign, the messages that are at a provider, or about to be.

        Those of a server that is away are not among them.

        Raises:
            RetryLater: the main server is away.
        """
        counts: Counter[int] = Counter()
        for database in self._databases.all:
            counts.update(self._availability.query(database, claimed_by_campaign) or {})
        return counts

    def _remember(self, database: Database, counted: dict[int, ByShard]) -> None:
        known = self._last[database]
        self._last[database] = counted if len(known) > MOST_KNOWN else {**known, **counted}
