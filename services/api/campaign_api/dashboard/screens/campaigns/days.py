"""Days of a time zone, from one to another, as a filter of planned times."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from campaign_api.dashboard.local_time import date_of, zone_names
from campaign_api.dashboard.render.languages import gettext
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_api.times import naive_utc
from campaign_common.domain.limits.provider_limits import UTC_ZONE
from campaign_common.domain.local_time import day_bounds

FIRST_DAY, LAST_DAY = date(1971, 1, 1), date(8999, 12, 31)


class Days(NamedTuple):
    """A span of days, `first` and `last` included; None: without a bound."""

    first: date | None = None
    last: date | None = None
    zone: str = UTC_ZONE

    @classmethod
    def of_fields(cls, given: Mapping[str, str]) -> "Days":
        """Take the fields `from`, `to` and `time_zone`; empty ones are left out.

        Raises:
            RequestInvalid: one is no date, or no time zone.
        """
        wrong = []
        found: dict[str, date | None] = {}
        for name in ("from", "to"):
            found[name] = date_of(given.get(name, ""))
            if given.get(name) and found[name] is None:
                wrong.append(InvalidField(name, gettext("must be a date, such as 2026-01-31")))
        zone = given.get("time_zone") or UTC_ZONE
        if zone not in zone_names():
            wrong.append(
                InvalidField("time_zone", gettext("must be a time zone, such as Europe/Berlin"))
            )
        if wrong:
            raise RequestInvalid(wrong)
        return cls(found["from"], found["to"], zone)

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Return the instants from and before which the days are (UTC, naive)."""
        first, last = self.first or FIRST_DAY, self.last or LAST_DAY
        since, before = day_bounds(first, last, self.zone)
        return (
            None if self.first is None else naive_utc(since),
            None if self.last is None else naive_utc(before),
        )

    def fields(self) -> dict[str, str]:
        """Return the fields of the form."""
        return {"from": _written(self.first), "to": _written(self.last), "time_zone": self.zone}

    def query(self) -> dict[str, str]:
        """Return the fields as a query, without those that say nothing."""
        if self.first is None and self.last is None:
            return {}
        return {name: value for name, value in self.fields().items() if value}


def _written(day: date | None) -> str:
    return "" if day is None else day.isoformat()
