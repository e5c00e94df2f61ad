"""The planned time of a campaign, as people type it: now, or a date and a time in a zone."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple, NoReturn

from campaign_api.dashboard.local_time import date_of, zone_names
from campaign_api.dashboard.render.languages import gettext
from campaign_api.errors import InvalidField, RequestInvalid
from campaign_common.domain.limits.provider_limits import UTC_ZONE
from campaign_common.domain.local_time import LocalTime, local_of

NOW, LATER = "now", "later"

FIRST, SECOND = "first", "second"
"""The two times that a clock shows alike, where it is put back."""

GRACE = timedelta(minutes=1)
"""Times that are past by less are not refused: a form takes a while."""

_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")


class TypedTime(NamedTuple):
    """The fields of a planned time as they were typed."""

    when: str = LATER
    date: str = ""
    time: str = ""
    time_zone: str = UTC_ZONE
    which: str = ""

    @classmethod
    def of_fields(cls, given: Mapping[str, str]) -> "TypedTime":
        """Take what a form or a query has."""
        names = {"when", "date", "time", "time_zone", "which"} & given.keys()
        return cls(**{name: given[name] for name in names})

    @classmethod
    def of_instant(cls, instant: datetime | None, zone: str | None) -> "TypedTime":
        """Take the time that a campaign has already, in the zone that it was planned in."""
        zone = zone if zone in zone_names() else UTC_ZONE
        if instant is None:
            return cls(time_zone=zone)
        local = local_of(instant, zone)
        which = SECOND if local.is_second else FIRST if local.is_shown_twice else ""
        return cls(LATER, local.date.isoformat(), local.time.isoformat("minutes"), zone, which)

    @property
    def is_now(self) -> bool:
        """Return whether the campaign is to start at once."""
        return self.when == NOW

    @property
    def is_ambiguous(self) -> bool:
        """Return whether a clock in the zone shows the time twice."""
        try:
            return self._local().is_shown_twice
        except RequestInvalid:
            return False

    def read(self, now: datetime | None = None) -> datetime | None:
        """Return the time in UTC; None: at once.

        Raises:
            RequestInvalid: it is no time, or is past, or no clock in the zone shows it, or it is
                shown twice and it is not said which one is meant.
        """
        if self.is_now:
            return None
        local = self._local()
        if local.is_skipped:
            _refuse("time", gettext("does not exist that day: clocks are put forward over it"))
        if local.is_shown_twice and self.which not in (FIRST, SECOND):
            _refuse("which", gettext("clocks are put back: say which of the two times is meant"))
        if local.instant < (now or datetime.now(UTC)) - GRACE:
            _refuse("date", gettext("is past; choose a later time, or start at once"))
        return local.instant

    def _local(self) -> LocalTime:
        wrong = []
        day, clock = date_of(self.date), _time_of(self.time)
        if day is None:
            wrong.append(InvalidField("date", gettext("must be a date, such as 2026-01-31")))
        if clock is None:
            wrong.append(InvalidField("time", gettext("must be a time of day, such as 09:30")))
        if self.time_zone not in zone_names():
            wrong.append(
                InvalidField("time_zone", gettext("must be a time zone, such as Europe/Berlin"))
            )
        if day is None or clock is None or wrong:
            raise RequestInvalid(wrong)
        return LocalTime(day, clock, self.time_zone, self.which == SECOND)

    def query(self) -> dict[str, str]:
        """Return the fields as the query of the next page."""
        if self.is_now:
            return {"when": NOW}
        return {name: value for name, value in self._asdict().items() if value}


def _time_of(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        return None


def _refuse(field: str, message: str) -> NoReturn:
    raise RequestInvalid([InvalidField(field, message)])
