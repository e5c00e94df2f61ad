"""Reads for fan-out: how many running campaigns share a provider, and what is left of its day."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.limits.days import read_taken
from campaign_common.store.limits.live_limits import read_all_live

NOT_READABLE = ProviderLimits(per_day=0)
"""Limits in place of those that a newer version has set: nothing is published."""

SELECT_OWN = "SELECT id, provider FROM campaigns WHERE state = 'running' AND lease_owner = %s"

# Those that are published to their ends take no share of what is published next.
SELECT_SHARED = """
SELECT provider, COUNT(*) FROM campaigns
WHERE state = 'running' AND published_seq < last_seq GROUP BY provider
"""

SELECT_IN_USE = "SELECT DISTINCT provider FROM campaigns WHERE state = 'running'"


class LimitedProvider(NamedTuple):
    """A provider with limits, and the number of campaigns that are being published for it."""

    limits: ProviderLimits
    campaigns: int
    day_left: int | None
    """Units that are left of the day; None: the day has no limit."""


def limited_campaigns(
    cursor: Cursor, owner: str, configured: Mapping[str, ProviderLimits], routes: Routes
) -> dict[CampaignId, list[LimitedProvider]]:
    """Read the limited providers of the running campaigns that `owner` leases.

    A campaign that takes a route has those of the route, if all of them are limited. Costs one
    statement where no provider has limits.
    """
    live = read_all_live(cursor)
    replaced = {name: one.limits or NOT_READABLE for name, one in live.limits.items()}
    in_force = {**configured, **replaced}
    limited = {
        name: limits
        for name, one in in_force.items()
        if (limits := one.around(live.moment)).needs_grants
    }
    if not limited:
        return {}
    cursor.execute(SELECT_OWN, (owner,))
    own = {
        campaign_id: providers
        for campaign_id, name in cursor.fetchall()
        if (providers := routes.providers(name)) <= limited.keys()
    }
    if not own:
        return {}
    names = frozenset[str]().union(*own.values())
    found = _providers(cursor, {name: limited[name] for name in names}, live.moment, routes)
    return {
        campaign_id: [found[provider] for provider in sorted(providers)]
        for campaign_id, providers in own.items()
    }


def providers_in_use(cursor: Cursor, routes: Routes) -> frozenset[str]:
    """Read the providers that messages of running campaigns take at first, not by failover."""
    cursor.execute(SELECT_IN_USE)
    return frozenset[str]().union(*(routes.chosen(name) for (name,) in cursor.fetchall()))


def _providers(
    cursor: Cursor, limited: Mapping[str, ProviderLimits], moment: float, routes: Routes
) -> dict[str, LimitedProvider]:
    cursor.execute(SELECT_SHARED)
    shared: Counter[str] = Counter()
    for name, campaigns in cursor.fetchall():
        shared.update(dict.fromkeys(routes.providers(name), campaigns))
    providers = {}
    for name, limits in limited.items():
        left = None
        if limits.per_day is not None:
            taken = read_taken(cursor, name, day_of(moment, limits.zone))
            left = max(0, limits.per_day - taken)
        providers[name] = LimitedProvider(limits, shared[name] or 1, left)
    return providers
