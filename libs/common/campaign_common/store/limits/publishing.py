"""Reads for fan-out: how many running campaigns share a provider, and what is left of its day."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.limits.campaign_pace import CampaignPace, share_rate
from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of
from campaign_common.domain.routing.routes import Routes
from campaign_common.store.limits.days import read_taken
from campaign_common.store.limits.live_limits import read_all_live

NOT_READABLE = ProviderLimits(per_day=0)
"""Limits in place of those that a newer version has set: nothing is published."""

# Those that are published to their ends take no share of what is published next.
SELECT_PUBLISHING = """
SELECT id, provider, max_rate, priority, lease_owner FROM campaigns
WHERE state = 'running' AND published_seq < last_seq
"""

WITH_RATE = " AND max_rate IS NOT NULL"

SELECT_IN_USE = "SELECT provider, COUNT(*) FROM campaigns WHERE state = 'running' GROUP BY provider"


class LimitedProvider(NamedTuple):
    """A provider with limits, and the share of its rate, from 0 to 1, that a campaign may use."""

    limits: ProviderLimits
    share: float
    day_left: int | None
    """Units that are left of the day; None: the day has no limit."""


class PublishBounds(NamedTuple):
    """Bounds of what is published of a campaign: its own rate, and the limits of its providers."""

    max_rate: Decimal | None
    providers: Sequence[LimitedProvider]
    """Empty where one of the providers that it may take has no limit."""


class InUse(NamedTuple):
    """Providers that running campaigns use, and how many campaigns these are."""

    providers: frozenset[str]
    """Providers that their messages take at first, not by failover."""
    campaigns: int
    """Number of running campaigns."""


class _Publishing(NamedTuple):
    """A campaign that is being published."""

    id: CampaignId
    provider: str
    pace: CampaignPace
    owner: str | None


def bounded_campaigns(
    cursor: Cursor, owner: str, configured: Mapping[str, ProviderLimits], routes: Routes
) -> dict[CampaignId, PublishBounds]:
    """Read the bounds of the running campaigns that `owner` leases; those without are left out.

    A campaign that takes a route has the limits of its providers, if all of them are limited.
    """
    live = read_all_live(cursor)
    replaced = {name: one.limits or NOT_READABLE for name, one in live.limits.items()}
    in_force = {**configured, **replaced}
    limited = {
        name: limits
        for name, one in in_force.items()
        if (limits := one.around(live.time.moment)).needs_grants
    }
    publishing = _publishing(cursor, only_with_rate=not limited)
    own = [one for one in publishing if one.owner == owner]
    names = {
        one.id: names if (names := routes.active(one.provider)) <= limited.keys() else ()
        for one in own
    }
    taken = frozenset[str]().union(*names.values())
    found = _providers(cursor, {name: limited[name] for name in taken}, live.time.moment)
    shares = {
        name: _shares(name, limits.per_second, publishing, routes)
        for name, (limits, _) in found.items()
    }
    return {
        one.id: PublishBounds(
            one.pace.max_rate,
            [
                LimitedProvider(found[name].limits, shares[name][one.id], found[name].day_left)
                for name in sorted(names[one.id])
            ],
        )
        for one in own
        if names[one.id] or one.pace.max_rate is not None
    }


def read_in_use(cursor: Cursor, routes: Routes) -> InUse:
    """Read the providers that running campaigns take at first, and the number of campaigns."""
    cursor.execute(SELECT_IN_USE)
    rows = cursor.fetchall()
    providers = frozenset[str]().union(*(routes.chosen(name) for name, _ in rows))
    return InUse(providers, sum(campaigns for _, campaigns in rows))


def _publishing(cursor: Cursor, *, only_with_rate: bool) -> list[_Publishing]:
    cursor.execute(SELECT_PUBLISHING + (WITH_RATE if only_with_rate else ""))
    return [
        _Publishing(campaign_id, provider, CampaignPace(max_rate, priority), owner)
        for campaign_id, provider, max_rate, priority, owner in cursor.fetchall()
    ]


def _shares(
    provider: str, per_second: Decimal | None, publishing: Sequence[_Publishing], routes: Routes
) -> dict[CampaignId, float]:
    """Return the shares of a provider's rate that campaigns may use, from 0 to 1."""
    taking = [one for one in publishing if provider in routes.active(one.provider)]
    rate = float(per_second or 1)
    shares = share_rate(rate, [one.pace for one in taking])
    return {one.id: share / rate for one, share in zip(taking, shares, strict=True)}


class _DayStanding(NamedTuple):
    limits: ProviderLimits
    day_left: int | None


def _providers(
    cursor: Cursor, limited: Mapping[str, ProviderLimits], moment: float
) -> dict[str, _DayStanding]:
    """Read what is left of the day of each provider."""
    providers = {}
    for name, limits in limited.items():
        left = None
        if limits.per_day is not None:
            taken = read_taken(cursor, name, day_of(moment, limits.zone))
            left = max(0, limits.per_day - taken)
        providers[name] = _DayStanding(limits, left)
    return providers
