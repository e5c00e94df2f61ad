"""Reads for fan-out: how many running campaigns share a provider, and what is left of its day."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of
from campaign_common.store.limits.days import read_taken
from campaign_common.store.limits.live_limits import read_all_live

SELECT_OWN = "SELECT id, provider FROM campaigns WHERE state = 'running' AND lease_owner = %s"

# Those that are published to their ends take no share of what is published next.
SELECT_SHARED = """
SELECT provider, COUNT(*) FROM campaigns
WHERE state = 'running' AND published_seq < last_seq AND provider IN %s GROUP BY provider
"""

SELECT_MOMENT = "SELECT UNIX_TIMESTAMP(NOW(6))"


COUNT_IN_USE = "SELECT COUNT(DISTINCT provider) FROM campaigns WHERE state = 'running'"


class LimitedProvider(NamedTuple):
    """A provider with limits, and the number of campaigns that are being published for it."""

    limits: ProviderLimits
    campaigns: int
    day_left: int | None
    """Units that are left of the day; None: the day has no limit."""


def limited_campaigns(
    cursor: Cursor, owner: str, configured: Mapping[str, ProviderLimits]
) -> dict[CampaignId, LimitedProvider]:
    """Read the limited providers of the running campaigns that `owner` leases.

    Costs one statement where no provider has limits.
    """
    in_force = {**configured, **read_all_live(cursor)}
    limited = {
        name: limits for name, limits in in_force.items() if limits.limits_rate or limits.limits_day
    }
    if not limited:
        return {}
    cursor.execute(SELECT_OWN, (owner,))
    own = {campaign_id: name for campaign_id, name in cursor.fetchall() if name in limited}
    if not own:
        return {}
    providers = _providers(cursor, limited, set(own.values()))
    return {campaign_id: providers[name] for campaign_id, name in own.items()}


def count_in_use(cursor: Cursor) -> int:
    """Count the providers that have running campaigns."""
    cursor.execute(COUNT_IN_USE)
    ((providers,),) = cursor.fetchall()
    return int(providers)


def _providers(
    cursor: Cursor, limited: Mapping[str, ProviderLimits], names: Collection[str]
) -> dict[str, LimitedProvider]:
    cursor.execute(SELECT_SHARED, (tuple(names),))
    shared = dict(cursor.fetchall())
    cursor.execute(SELECT_MOMENT)
    ((moment,),) = cursor.fetchall()
    providers = {}
    for name in names:
        limits = limited[name].at(float(moment))
        left = None
        if limits.per_day is not None:
            taken = read_taken(cursor, name, day_of(float(moment), limits.zone))
            left = max(0, limits.per_day - taken)
        providers[name] = LimitedProvider(limits, shared.get(name, 1), left)
    return providers
