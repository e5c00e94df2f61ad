"""Plots of a campaign: its rate and its outcomes over time, and a table of the same numbers.

The page has all points; while the campaign goes on it asks for those after the last one it has.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from flask import Response, request

from campaign_api.campaigns.samples import samples_of
from campaign_api.dashboard.latest import Latest
from campaign_api.dashboard.pages import DashboardPages
from campaign_api.dashboard.render.formats import number
from campaign_api.dashboard.render.languages import gettext
from campaign_api.dashboard.render.words import word
from campaign_api.dashboard.shown import Shown
from campaign_common.database import Databases
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.message import FINAL

PENDING = "pending"

LONGEST_TIME = 16
"""Digits of a time that a page may say it has."""

MOST_ROWS = 60
"""Of the table, which has every n-th point and the last."""

MOST_NEW = 12
"""Points of one answer, which is small; the page asks for the others at once."""

KEPT = 2.0
"""Seconds for which the points of a campaign are not read again."""

SHORTEST = timedelta(seconds=2)
"""Before the present or the end of a campaign: over less time a rate is that of a few commits."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

OUTCOMES = tuple(status.word for status in sorted(FINAL))
"""Statuses that are plotted, where a campaign has any; with the pending ones they add up."""


class Point(NamedTuple):
    """The numbers of a campaign at a time."""

    at: datetime
    rate: float | None
    pending: int
    counts: Mapping[str, int]

    @property
    def milliseconds(self) -> int:
        """The time since 1970, by which a page says what it has."""
        return (self.at - EPOCH) // timedelta(milliseconds=1)

    @property
    def plotted(self) -> str:
        """The numbers as the script reads them: time, rate, pending, and each of `OUTCOMES`."""
        outcomes = (self.counts.get(name, 0) for name in OUTCOMES)
        numbers = [self.milliseconds, self.rate, self.pending, *outcomes]
        return json.dumps(numbers, separators=(",", ":"))


class CampaignPlots:
    """The points of campaigns, each read once for all who look at it."""

    def __init__(self, databases: Databases) -> None:
        self._latest: Latest[CampaignId, list[Point]] = Latest(
            lambda campaign_id: points_of(samples_of(databases, campaign_id)), KEPT
        )

    def values(self, campaign_id: CampaignId) -> dict[str, Any]:
        """Return what the page shows before it asks for more."""
        points = self._latest.get(campaign_id)
        return {
            "points": points,
            "rows": thinned(points, MOST_ROWS),
            "outcomes": OUTCOMES,
            "words": [(name, word(name)) for name in (PENDING, *OUTCOMES)],
            "most_new": MOST_NEW,
            "plots_say": _summary(points),
        }

    def after(self, campaign_id: CampaignId, milliseconds: int) -> list[Point]:
        """Return points after a time, up to `MOST_NEW`."""
        points = self._latest.get(campaign_id)
        return [point for point in points if point.milliseconds > milliseconds][:MOST_NEW]


def register(pages: DashboardPages, shown: Shown) -> CampaignPlots:
    """Register what a page asks for further points."""
    plots = CampaignPlots(shown.databases)

    @pages.page("/campaigns/<int:campaign_id>/points", asked_often=True)
    def campaign_points(campaign_id: CampaignId) -> Response:
        given = request.args.get("after", "")
        after = int(given) if given.isdecimal() and len(given) <= LONGEST_TIME else 0
        rows = plots.after(campaign_id, after)
        return pages.render("campaigns/plots/points.html", rows=rows, outcomes=OUTCOMES)

    return plots


def points_of(samples: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return the points of the samples of a campaign."""
    points = [Point(one["at"], one["rate"], one["pending"], one["counts"]) for one in samples]
    if len(points) > 2 and points[-1].at - points[-2].at < SHORTEST:
        points[-1] = points[-1]._replace(rate=None)
    return points


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """Return every n-th point and the last, so that there are no more than `most`."""
    if len(points) <= most:
        return list(points)
    step = -(-(len(points) - 1) // (most - 1))
    return [*points[:-1:step], points[-1]]


def _summary(points: Sequence[Point]) -> str:
    """Return what the plots show, for who does not see them."""
    rates = [point.rate for point in points if point.rate is not None]
    if not rates:
        return gettext("There is nothing to plot yet.")
    text = gettext("The largest rate was %(rate)s outcomes per second, and the last one %(last)s.")
    return text % {"rate": number(max(rates)), "last": number(rates[-1])}
