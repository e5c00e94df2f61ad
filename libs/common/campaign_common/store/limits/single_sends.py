"""Single sends outside of any campaign: they count for the day of a provider's limits."""

from datetime import date
from typing import NamedTuple

from pymysql.cursors import Cursor

from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits, day_of
from campaign_common.domain.sms_segments import segmentation
from campaign_common.store.limits.days import return_of_day, take_of_day
from campaign_common.store.limits.live_limits import read_live

SELECT_MOMENT = "SELECT UNIX_TIMESTAMP(NOW(6))"

NO_LIMIT_LEFT = ProviderLimits(per_day=0)


class UnitsOfDay(NamedTuple):
    """Units that were taken of a day; `used_up`: its limits where too little is left of it."""

    day: date | None = None
    units: int = 0
    used_up: ProviderLimits | None = None


UNLIMITED = UnitsOfDay()


def take_single_send(
    cursor: Cursor, provider: str, configured: ProviderLimits, body: str
) -> UnitsOfDay:
    """Take the units of one message from the day, in a transaction, where the day has a limit."""
    live = read_live(cursor, provider)
    cursor.execute(SELECT_MOMENT)
    ((moment,),) = cursor.fetchall()
    in_force = configured if live is None else live.limits
    if in_force is None:
        # Set by a newer version: what cannot be read grants nothing.
        return UnitsOfDay(used_up=NO_LIMIT_LEFT)
    limits = in_force.at(float(moment))
    if limits.per_day is None:
        return UNLIMITED
    day = day_of(float(moment), limits.zone)
    units = 1 if limits.unit is LimitUnit.MESSAGES else segmentation(body).segments
    taken = take_of_day(cursor, provider, day, wanted=units, per_day=limits.per_day)
    if taken == units:
        return UnitsOfDay(day, units)
    return_of_day(cursor, provider, day, taken)
    return UnitsOfDay(used_up=limits)


def return_single_send(cursor: Cursor, provider: str, taken: UnitsOfDay) -> None:
    """Return the units of a message that was not sent, in a transaction."""
    if taken.day is not None:
        return_of_day(cursor, provider, taken.day, taken.units)
