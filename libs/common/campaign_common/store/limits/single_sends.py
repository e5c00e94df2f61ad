"""Single sends outside of any campaign: they count for the day of a provider's limits."""

from pymysql.cursors import Cursor

from campaign_common.domain.limits.provider_limits import LimitUnit, ProviderLimits, day_of
from campaign_common.domain.sms_segments import segmentation
from campaign_common.store.limits.days import return_of_day, take_of_day
from campaign_common.store.limits.live_limits import read_live

SELECT_MOMENT = "SELECT UNIX_TIMESTAMP(NOW(6))"

NOTHING = ProviderLimits(per_day=0)


def take_single_send(
    cursor: Cursor, provider: str, configured: ProviderLimits, body: str
) -> ProviderLimits | None:
    """Take the units of one message from the day, in a transaction, where the day has a limit.

    Returns None, or the limits of the day where too little is left of it.
    """
    live = read_live(cursor, provider)
    cursor.execute(SELECT_MOMENT)
    ((moment,),) = cursor.fetchall()
    in_force = configured if live is None else live.limits
    if in_force is None:
        return NOTHING  # set by a newer version: what cannot be read grants nothing
    limits = in_force.at(float(moment))
    if limits.per_day is None:
        return None
    day = day_of(float(moment), limits.zone)
    units = 1 if limits.unit is LimitUnit.MESSAGES else segmentation(body).segments
    taken = take_of_day(cursor, provider, day, wanted=units, per_day=limits.per_day)
    if taken == units:
        return None
    return_of_day(cursor, provider, day, taken)
    return limits
