"""Reads of the providers that rest: by their breakers, and by the limit of their day."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from pymysql.cursors import Cursor

from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of, end_of_day
from campaign_common.domain.limits.rest import ProviderRest, RestReason
from campaign_common.store.core.open_circuits import BREAKERS
from campaign_common.store.limits.days import read_taken
from campaign_common.store.limits.live_limits import read_all_live

SELECT_OPEN = f"""
SELECT provider, open_until, reason FROM ({BREAKERS}) breakers
WHERE open_until > NOW(6) AND provider IN %s
"""


def read_rests(
    cursor: Cursor, providers: Collection[str], configured: Mapping[str, ProviderLimits]
) -> dict[str, ProviderRest]:
    """Read which of the providers rest; of several reasons, the one that lasts longest.

    `configured`: limits by provider, where no live ones replace them.
    """
    if not providers:
        return {}
    cursor.execute(SELECT_OPEN, (tuple(providers),))
    found = [
        (provider, ProviderRest(until, RestReason(reason)))
        for provider, until, reason in cursor.fetchall()
    ]
    found += _used_up_days(cursor, providers, configured)
    return dict(sorted(found, key=lambda one: one[1]))


def _used_up_days(
    cursor: Cursor, providers: Collection[str], configured: Mapping[str, ProviderLimits]
) -> list[tuple[str, ProviderRest]]:
    (moment, _), live = read_all_live(cursor)
    # Limits that a newer version has set are not known here, and say nothing of a day.
    in_force = {**configured, **{name: one.limits for name, one in live.items()}}
    used_up = []
    for name in providers:
        limits = in_force.get(name)
        if limits is None:
            continue
        per_day, zone = limits.at(moment).per_day, limits.zone
        day = day_of(moment, zone)
        if per_day is not None and read_taken(cursor, name, day) >= per_day:
            ends = datetime.fromtimestamp(end_of_day(day, zone), UTC).replace(tzinfo=None)
            used_up.append((name, ProviderRest(ends, RestReason.DAY_USED_UP)))
    return used_up
