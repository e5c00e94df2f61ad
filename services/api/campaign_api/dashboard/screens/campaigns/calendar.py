"""S4, the calendar: the campaigns planned for the days of a month, in a time zone."""

import calendar as months
from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_day_names
from flask import Response, request

from campaign_api.dashboard.local_time import date_of, zone_names
from campaign_api.dashboard.pages import DashboardPages, url
from campaign_api.dashboard.render.languages import locale
from campaign_api.dashboard.shown import Shown
from campaign_api.times import naive_utc
from campaign_common.database import Database
from campaign_common.domain.limits.provider_limits import UTC_ZONE
from campaign_common.domain.local_time import day_bounds
from campaign_common.store.campaigns.listing import CampaignFilter, read_campaigns
from campaign_common.store.campaigns.progress import CampaignProgress

SHOWN_OF_A_DAY = 5
"""Campaigns of a day in the calendar; the others are behind a link."""

MOST_CAMPAIGNS = 1_000
"""Campaigns of a month, the newest, that are counted."""


class PlannedCampaign(NamedTuple):
    """A campaign in the calendar."""

    id: int
    name: str
    state: str
    at: datetime
    clock: str
    """The time of day in the zone of the calendar."""


class CalendarDay(NamedTuple):
    """A day of the calendar."""

    date: date
    is_outside: bool
    """It is of the month before or after."""
    is_today: bool
    campaigns: list[PlannedCampaign]
    more: int
    """Campaigns of the day that are not shown."""
    path: str
    """The list of its campaigns."""


def register(pages: DashboardPages, shown: Shown) -> None:
    """Register the page."""

    @pages.page("/calendar", entry="Calendar", rank=25)
    def calendar() -> Response:
        zone = request.args.get("time_zone", UTC_ZONE)
        if zone not in zone_names():
            zone = UTC_ZONE
        today = datetime.now(ZoneInfo(zone)).date()
        first = (date_of(f"{request.args.get('month', '')}-01") or today).replace(day=1)
        weeks = months.Calendar(locale().first_week_day).monthdatescalendar(first.year, first.month)
        planned = read_planned(shown.databases.main, weeks[0][0], weeks[-1][-1], zone)
        by_day = defaultdict[date, list[PlannedCampaign]](list)
        for each in planned:
            by_day[each.at.astimezone(ZoneInfo(zone)).date()].append(each)
        days = [[_day(day, first, today, zone, by_day[day]) for day in week] for week in weeks]
        return pages.render(
            "campaigns/calendar.html",
            month=first.strftime("%Y-%m"),
            title=format_date(first, "LLLL yyyy", locale=locale()),
            weekdays=[_weekday(day) for day in weeks[0]],
            weeks=days,
            in_order=[day for week in days for day in week if day.campaigns and not day.is_outside],
            before=_month_path(_moved(first, -1), zone),
            after=_month_path(_moved(first, 1), zone),
            zone=zone,
            zones=[(name, name) for name in zone_names()],
            is_cut=len(planned) == MOST_CAMPAIGNS,
        )


def read_planned(database: Database, first: date, last: date, zone: str) -> list[PlannedCampaign]:
    """Read the campaigns planned for the days of a zone, by time.

    Raises:
        RetryLater: the database is unavailable.
    """
    since, before = day_bounds(first, last, zone)
    wanted = CampaignFilter(since=naive_utc(since), before=naive_utc(before))
    with database.reading() as cursor:
        found = read_campaigns(cursor, wanted, None, MOST_CAMPAIGNS)
    planned = (_planned(each, each.scheduled_at, zone) for each in found if each.scheduled_at)
    return sorted(planned, key=lambda each: (each.at, each.id))


def _planned(campaign: CampaignProgress, scheduled_at: datetime, zone: str) -> PlannedCampaign:
    at = scheduled_at.replace(tzinfo=UTC)
    clock = at.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    return PlannedCampaign(campaign.id, campaign.name, campaign.state.value, at, clock)


def _day(
    day: date, first: date, today: date, zone: str, campaigns: list[PlannedCampaign]
) -> CalendarDay:
    query: dict[str, Any] = {"from": day.isoformat(), "to": day.isoformat(), "time_zone": zone}
    return CalendarDay(
        day,
        day.month != first.month,
        day == today,
        campaigns[:SHOWN_OF_A_DAY],
        max(len(campaigns) - SHOWN_OF_A_DAY, 0),
        url("campaigns", **query),
    )


def _weekday(day: date) -> tuple[str, str]:
    """Return the name of a day of the week, short and in full."""
    names = [get_day_names(width, locale=locale()) for width in ("abbreviated", "wide")]
    short, full = (str(each[day.weekday()]) for each in names)
    return short, full


def _moved(first: date, months_on: int) -> date:
    """Return the first day of a month that lies so many months after another one."""
    year, month = divmod(first.year * 12 + first.month - 1 + months_on, 12)
    return date(year, month + 1, 1)


def _month_path(first: date, zone: str) -> str | None:
    """Return the path of a month; None: the calendar does not go so far."""
    if date_of(first.isoformat()) is None:
        return None
    return url("calendar", month=first.strftime("%Y-%m"), time_zone=zone)
