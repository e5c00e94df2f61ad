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

SELECT_OWN = "SELECT id, provider FROM campaigns WHERE state = 'running' AND lease_owner = %s"

# Those that are published to their ends take no share of what is published next.
SELECT_SHARED = """
SELECT provider, COUNT(*) FROM campaigns
WHERE state = 'running' AND published_seq < last_seq GROUP BY provider
"""

SELECT_MOMENT = "SELECT UNIX_TIMESTAMP(NOW(6))"


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
    in_force = {**configured, **read_all_live(cursor)}
    limited = {
        name: limits for name, limits in in_force.items() if limits.limits_rate or limits.limits_day
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
    found = _providers(cursor, limited, frozenset[str]().union(*own.values()), routes)
    return {
        campaign_id: [found[provider] for provider in sorted(providers)]
        for campaign_id, providers in own.items()
    }


def providers_in_use(cursor: Cursor, routes: Routes) -> frozenset[str]:
    """Read the providers that messages of running campaigns may take."""
    cursor.execute(SELECT_IN_USE)
    return frozenset[str]().union(*(routes.providers(name) for (name,) in cursor.fetchall()))


def read_moment(cursor: Cursor) -> float:
    """Read the time of the server, in seconds since 1970."""
    cursor.execute(SELECT_MOMENT)
    ((moment,),) = cursor.fetchall()
    return float(moment)


def _providers(
    cursor: Cursor, limited: Mapping[str, ProviderLimits], names: frozenset[str], routes: Routes
) -> dict[str, LimitedProvider]:
    cursor.execute(SELECT_SHARED)
    shared: Counter[str] = Counter()
    for name, campaigns in cursor.fetchall():
        shared.update(dict.fromkeys(routes.providers(name), campaigns))
    moment = read_moment(cursor)
    providers = {}
    for name in names:
        limits = limited[name].at(moment)
        left = None
        if limits.per_day is not None:
            taken = read_taken(cursor, name, day_of(moment, limits.zone))
            left = max(0, limits.per_day - taken)
        providers[name] = LimitedProvider(limits, shared[name] or 1, left)
    return providers
