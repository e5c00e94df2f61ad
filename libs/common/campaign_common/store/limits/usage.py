"""Use of providers: what senders have been granted of this second and of this day."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.limits.provider_limits import ProviderLimits, day_of, end_of_day
from campaign_common.domain.limits.slots import Block
from campaign_common.store.limits.days import read_taken

SELECT_MOMENT = "SELECT UNIX_TIMESTAMP(NOW(6))"

SELECT_SLOTS = """
SELECT provider, quota, shares, spare_taken FROM provider_slots WHERE slot = FLOOR(%s)
"""


class SecondUse(NamedTuple):
    """Grants of the running second: the quota, and what of it belongs to senders."""

    quota: int
    granted: int


class DayUse(NamedTuple):
    """Units of the running day: the limit, what senders hold or have used, and the day's end."""

    day: date
    per_day: int
    taken: int
    ends_at: float
    """Seconds since 1970."""


class LimitUse(NamedTuple):
    """Use of a provider; None: there is no such limit, or no sender sends by it now."""

    second: SecondUse | None
    day: DayUse | None


def read_use(cursor: Cursor, in_force: Mapping[str, ProviderLimits]) -> dict[str, LimitUse]:
    """Read the use of each provider, by the limits that hold for it."""
    cursor.execute(SELECT_MOMENT)
    ((moment,),) = cursor.fetchall()
    cursor.execute(SELECT_SLOTS, (moment,))
    seconds = {
        provider: SecondUse(int(quota), _shared(json.loads(shares)) + int(spare_taken))
        for provider, quota, shares, spare_taken in cursor.fetchall()
    }
    return {
        name: LimitUse(
            seconds.get(name) if limits.at(float(moment)).per_second is not None else None,
            _day(cursor, name, limits.at(float(moment)), float(moment)),
        )
        for name, limits in in_force.items()
    }


def _shared(parts: Mapping[str, int] | list[list[Any]]) -> int:
    """Sum the grants of senders: by sender, or as blocks of them."""
    return (
        sum(Block(*one).units for one in parts) if isinstance(parts, list) else sum(parts.values())
    )


def _day(cursor: Cursor, provider: str, limits: ProviderLimits, moment: float) -> DayUse | None:
    if limits.per_day is None:
        return None
    day = day_of(moment, limits.zone)
    taken = read_taken(cursor, provider, day)
    return DayUse(day, limits.per_day, taken, end_of_day(day, limits.zone))
